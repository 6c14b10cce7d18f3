import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { canSignal, groupLives, isProcessAlive, processIdentity } from '../../../src/run/process-table.ts';
import { WARDEN_SCRIPT } from '../../../src/run/warden.ts';
import { controlChildren, type Child, type ChildControl } from '../../rig/child-control.ts';

let control: ChildControl;
beforeEach(async () => {
  control = await controlChildren();
});
afterEach(() => control.close());

/** A child in a process group of its own, as the runner starts commands. */
async function startGroup(): Promise<Child> {
  const [program = '', ...args] = control.argv;
  spawn(program, args, { detached: true, stdio: 'ignore' }).unref();
  return control.next();
}

it('the warden kills the groups that are running when its pipe ends, as it does when datawf is killed', async () => {
  const [kept, ended, running] = [await startGroup(), await startGroup(), await startGroup()];
  const warden = spawn('/bin/sh', ['-c', WARDEN_SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], env: {} });
  warden.stdin.end(`+ ${ended.pid}\n+ ${running.pid}\n- ${ended.pid}\n`);
  await Promise.all([once(warden, 'close'), running.gone]);
  expect([canSignal(kept.pid, 0), canSignal(ended.pid, 0)]).toEqual([true, true]);
  await kept.end({ do: 'exit', code: 0 });
  await ended.end({ do: 'exit', code: 0 });
});

it('a group lives while one of its processes does, not as a zombie', async () => {
  const child = await startGroup();
  expect(groupLives(child.pid)).toBe(true);
  await child.end({ do: 'kill', signal: 'SIGKILL' });
  await expect.poll(() => groupLives(child.pid)).toBe(false);
});

it('a process is told from another that got its number, and from those of other hosts and boots', () => {
  const here = processIdentity('here');
  expect(isProcessAlive(here, here)).toBe(true);
  expect(isProcessAlive({ ...here, started: '1' }, here)).toBe(false);
  expect(isProcessAlive({ ...here, boot: 'another boot' }, here)).toBe(false);
  expect(isProcessAlive({ ...here, host: 'there' }, here)).toBeUndefined();
  expect(isProcessAlive({ ...here, boot: `${here.boot.split(' ')[0] ?? ''} pid:[1]` }, here)).toBeUndefined();
});
