import { spawn } from 'node:child_process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  createHostedCommands,
  type CommandEnded,
  type CommandRun,
  type Commands,
} from '../../../src/run/hosted-commands.ts';
import { groupLives, isProcessAlive, processIdentity } from '../../../src/run/process-table.ts';
import { controlChildren, type Child, type ChildControl } from '../../rig/child-control.ts';

let control: ChildControl;
beforeEach(async () => {
  control = await controlChildren();
});
afterEach(() => control.close());

function begin(commands: Commands, write: CommandRun['write'] = () => undefined): Promise<CommandEnded> {
  return commands.run({
    argv: control.argv,
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '' },
    timeoutMs: undefined,
    graceMs: 100,
    signal: new AbortController().signal,
    own: undefined,
    write,
  });
}

it('commands that run when the pipe to their host ends are killed, as they are when datawf is', async () => {
  const commands = createHostedCommands(process.execPath);
  const ended = begin(commands);
  const running = await control.next();
  commands.close();
  await running.gone;
  expect((await ended).end.kind).toBe('not-started');
});

it('a host that is killed takes its commands along and says so', async () => {
  const commands = createHostedCommands(process.execPath);
  const ended = begin(commands);
  const running = await control.next();
  process.kill(running.parent, 'SIGKILL');
  await running.gone;
  expect(await ended).toMatchObject({
    end: { kind: 'not-started', error: { message: 'the process that starts commands ended (SIGKILL)' } },
  });
  commands.close();
});

it('output of commands comes whole and by command, however long it is', async () => {
  const commands = createHostedCommands(process.execPath);
  const texts = ['', ''];
  const runs = [0, 1].map((index) =>
    commands.run({
      argv: ['/bin/sh', '-c', `i=0; while [ $i -lt 3000 ]; do echo "${index} line $i"; i=$((i+1)); done`],
      cwd: '/',
      env: {},
      timeoutMs: undefined,
      graceMs: 100,
      signal: new AbortController().signal,
      own: undefined,
      write: (_stream, chunk) =>
        void (texts[index] = `${texts[index] ?? ''}${Buffer.from(chunk).toString()}`),
    }),
  );
  expect((await Promise.all(runs)).map(({ end }) => end)).toEqual([
    { kind: 'exit', exit: 0 },
    { kind: 'exit', exit: 0 },
  ]);
  const expected = [0, 1].map((index) =>
    Array.from({ length: 3000 }, (_, line) => `${index} line ${line}\n`).join(''),
  );
  expect(texts).toEqual(expected);
  commands.close();
});

/** A child in a process group of its own, as the host starts commands. */
async function startGroup(): Promise<Child> {
  const [program = '', ...args] = control.argv;
  spawn(program, args, { detached: true, stdio: 'ignore' }).unref();
  return control.next();
}

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
