import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPlaceFinder } from '../../../src/store/places.ts';
import { createLocalRunner, type LocalRunnerOptions } from '../../../src/run/local-runner.ts';
import { processIdentity } from '../../../src/run/process-table.ts';
import type { AttemptOutcome, LogLine, Runner } from '../../../src/run/runner.ts';
import { controlChildren, print, type Child, type ChildControl } from '../../rig/child-control.ts';
import {
  datumWork,
  dep,
  makeRunnerRig,
  out,
  stageWork,
  tryCommand,
  type RunnerRig,
  type TrialOptions,
} from '../../rig/runner-rig.ts';

let rig: RunnerRig;
let control: ChildControl;
let runners: Runner[];
beforeEach(async () => {
  rig = makeRunnerRig();
  control = await controlChildren();
  runners = [];
});
afterEach(async () => {
  for (const runner of runners) await runner.close();
  control.close();
  rig.remove();
});

function makeRunner(options: Partial<LocalRunnerOptions> = {}): Runner {
  const runner = createLocalRunner({
    root: rig.root,
    storeFolder: rig.store.folder,
    node: process.execPath,
    path: process.env['PATH'] ?? '',
    process: processIdentity('here'),
    now: Date.now,
    places: createPlaceFinder(async () => [rig.store]),
    graceMs: 100,
    ...options,
  });
  runners.push(runner);
  return runner;
}

const sandboxes = (): string => `${rig.store.folder}/tmp/sandboxes`;

/** Starts a controllable child as a datum. */
async function start(
  options: TrialOptions & { runner?: Runner } = {},
): Promise<{ child: Child; outcome: Promise<AttemptOutcome>; lines: LogLine[]; abort: () => void }> {
  const session = await (options.runner ?? makeRunner()).openStage(stageWork(control.argv, options));
  const aborter = new AbortController();
  const lines: LogLine[] = [];
  const outcome = session.run(datumWork(options), (line) => lines.push(line), aborter.signal);
  return { child: await control.next(), outcome, lines, abort: () => aborter.abort() };
}

describe('a running command', () => {
  it('logs what it prints as it prints it', async () => {
    const { child, outcome, lines } = await start({ secrets: { TOKEN: 'hush-hush' } });
    await child.tell(print('one hu'));
    await child.tell(print('sh-hush two\n'));
    await child.end({ do: 'exit', code: 0 });
    await outcome;
    expect(lines.map((line) => line.text)).toEqual(['one *** two']);
  });

  it('ends with its whole group when the run is cancelled, also where it ignores the request', async () => {
    const { child, outcome, abort } = await start();
    await child.tell({ do: 'ignore', signal: 'SIGTERM' });
    await child.tell({ do: 'leave', detached: false });
    const left = await control.next();
    abort();
    expect(await outcome).toMatchObject({ state: 'failed', class: 'cancelled', retry: false });
    await Promise.all([child.gone, left.gone]);
  });

  it('ends with its whole group when its time is over', async () => {
    const { child, outcome } = await start({ stage: { timeoutSeconds: 0.5 } });
    expect(await outcome).toMatchObject({
      state: 'failed',
      class: 'timeout',
      message: expect.stringContaining('0.5 s') as string,
    });
    await child.gone;
  });

  it('never starts once the run is cancelled', async () => {
    const aborter = new AbortController();
    aborter.abort();
    const trial = await tryCommand(makeRunner(), 'echo ran', { signal: aborter.signal });
    expect(trial).toMatchObject({ state: 'failed', class: 'cancelled', lines: [] });
  });

  it('takes what it left running with it', async () => {
    const { child, outcome } = await start();
    await child.tell({ do: 'leave', detached: false });
    const left = await control.next();
    await child.end({ do: 'exit', code: 0 });
    expect(await outcome).toMatchObject({ state: 'ok' });
    await left.gone;
  });

  it('is not held up by a process of another group that keeps its output open', async () => {
    const trial = await tryCommand(makeRunner(), 'setsid sleep 300 & echo done');
    expect(trial).toMatchObject({ state: 'ok', lines: [{ text: 'done' }] });
  });

  it('does not see a signal of the terminal’s group', async () => {
    const { child, outcome } = await start();
    expect(child.pid).not.toBe(process.pid);
    const group = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[2];
    expect(group).toBe(String(child.pid));
    await child.end({ do: 'exit', code: 0 });
    await outcome;
  });
});

describe('inputs', () => {
  it('are read-only', async () => {
    const raw = dep('raw', await rig.stored('raw.csv', 'raw'));
    const trial = await tryCommand(makeRunner(), 'stat -c %a raw.csv run.sh', {
      deps: [raw],
      code: [rig.plain('run.sh', 'true', true)],
    });
    expect(trial.lines.map((line) => line.text)).toEqual(['444', '555']);
  });

  it('that a command damaged through their link go to quarantine where nothing else has the bytes', async () => {
    const file = await rig.stored('raw.csv', 'raw');
    const trial = await tryCommand(makeRunner(), 'chmod u+w raw.csv; echo x >> raw.csv', {
      deps: [dep('raw', file)],
    });
    expect(trial).toMatchObject({
      code: 'input-changed',
      message: expect.stringContaining('quarantine') as string,
    });
    expect(rig.store.hasObjectSync(file.digest)).toBe(false);
  });

  it('are made whole again from the working tree where that still has the bytes', async () => {
    const file = await rig.stored('raw.csv', 'raw');
    rig.plain('raw.csv.new', 'raw');
    await tryCommand(makeRunner(), 'true');
    const { renameSync } = await import('node:fs');
    renameSync(`${rig.root}/raw.csv.new`, `${rig.root}/raw.csv`);
    const trial = await tryCommand(makeRunner(), 'chmod u+w raw.csv; echo x >> raw.csv', {
      deps: [dep('raw', file)],
    });
    expect(trial).toMatchObject({ code: 'input-changed', message: 'the command changed its input raw.csv' });
    expect(await rig.readObject(file.digest)).toBe('raw');
  });

  it('that are copied keep the store and the working tree safe from any command', async () => {
    const file = await rig.stored('raw.csv', 'raw');
    const trial = await tryCommand(makeRunner({ copyBelow: 1024 }), 'chmod u+w raw.csv; echo x >> raw.csv', {
      deps: [dep('raw', file)],
    });
    expect(trial).toMatchObject({ code: 'input-changed' });
    expect(await rig.readObject(file.digest)).toBe('raw');
    expect(readFileSync(`${rig.root}/raw.csv`, 'utf8')).toBe('raw');
  });

  it('edited in the working tree after the plan fail the datum instead of poisoning its result', async () => {
    const code = rig.plain('run.sh', 'echo old');
    rig.plain('run.sh', 'echo new');
    const trial = await tryCommand(makeRunner(), 'sh run.sh', { code: [code] });
    expect(trial).toMatchObject({
      state: 'failed',
      class: 'user',
      code: 'input-edited',
      paths: ['run.sh'],
      retry: false,
    });
  });

  it('edited during the run stay as they were for its later datums', async () => {
    const runner = makeRunner();
    const code = [rig.plain('run.sh', 'echo old')];
    expect((await tryCommand(runner, 'sh run.sh', { code })).lines).toMatchObject([{ text: 'old' }]);
    rig.plain('run.sh', 'echo new');
    expect((await tryCommand(runner, 'sh run.sh', { code })).lines).toMatchObject([{ text: 'old' }]);
  });

  it('whose object is missing or damaged fail the datum by name', async () => {
    const file = await rig.stored('raw.csv', 'raw');
    const object = rig.store.objectPath(file.digest);
    chmodSync(object, 0o644);
    writeFileSync(object, 'war');
    expect(await tryCommand(makeRunner(), 'true', { deps: [dep('raw', file)] })).toMatchObject({
      class: 'infra',
      code: 'corrupt-object',
    });
    expect(await tryCommand(makeRunner(), 'true', { deps: [dep('raw', file)] })).toMatchObject({
      class: 'infra',
      code: 'missing-object',
      paths: ['raw.csv'],
    });
  });
});

describe('sandboxes', () => {
  it('are used again by the datums of a stage and by the next stage, at the same path', async () => {
    const runner = makeRunner();
    const code = [rig.plain('run.sh', 'pwd')];
    const session = await runner.openStage(stageWork('sh run.sh', { code }));
    const texts: string[] = [];
    const log = (line: LogLine): void => void texts.push(line.text);
    await session.run(datumWork(), log, new AbortController().signal);
    await session.run(datumWork(), log, new AbortController().signal);
    await session.close();
    texts.push(...(await tryCommand(runner, 'pwd; ls')).lines.map((line) => line.text));
    expect(texts).toEqual(Array<string>(3).fill(`${sandboxes()}/1/1/work`));
  });

  it('of datums that run at once are apart', async () => {
    const runner = makeRunner();
    const [one, two] = [await start({ runner }), await start({ runner })];
    expect(one.child.cwd).not.toBe(two.child.cwd);
    for (const { child, outcome } of [one, two]) {
      await child.end({ do: 'exit', code: 0 });
      await outcome;
    }
  });

  it('that a command made a mess of are not used again', async () => {
    const runner = makeRunner();
    await tryCommand(runner, 'echo x > stray; mkdir locked; echo x > locked/x; chmod 0 locked');
    expect((await tryCommand(runner, 'ls -A')).lines).toEqual([]);
  });

  it('are gone when the runner is closed', async () => {
    const runner = makeRunner();
    await tryCommand(runner, 'true');
    await runner.close();
    expect(readdirSync(sandboxes())).toEqual([]);
  });

  it('of a dead process are removed by the next one, with the commands in them', async () => {
    const first = makeRunner({ process: { ...processIdentity('here'), pid: 1, started: 'never' } });
    const { child, outcome } = await start({ runner: first });
    await tryCommand(makeRunner(), 'true');
    await child.gone;
    expect(readdirSync(sandboxes())).toEqual(['1']);
    expect(readFileSync(`${sandboxes()}/1/owner.json`, 'utf8')).toContain(`"pid":${process.pid}`);
    expect(await outcome).toMatchObject({ state: 'failed' });
  });

  it('of another host are left alone', async () => {
    const first = makeRunner({ process: { ...processIdentity('there'), pid: 1, started: 'never' } });
    const { child, outcome } = await start({ runner: first });
    await tryCommand(makeRunner(), 'true');
    expect(existsSync(`${sandboxes()}/1/1/work`)).toBe(true);
    await child.end({ do: 'exit', code: 0 });
    await outcome;
  });
});

describe('a stage without sandbox', () => {
  const none = { sandbox: 'none' } as const;

  it('runs in the working tree and leaves its outputs there', async () => {
    rig.plain('notes.txt', 'undeclared\n');
    const trial = await tryCommand(makeRunner(), 'cat notes.txt > "$o"', {
      stage: none,
      outs: [out('o', 'made/o.txt')],
    });
    expect(trial).toMatchObject({ state: 'ok', outs: [{ path: 'made/o.txt', kind: 'f', size: 11 }] });
    expect(readFileSync(`${rig.root}/made/o.txt`, 'utf8')).toBe('undeclared\n');
    if (trial.state === 'ok') expect(await rig.readObject(trial.outs[0]!.digest)).toBe('undeclared\n');
  });

  it('keeps the last good outputs when its command fails, and the objects that they are links to', async () => {
    const old = await rig.stored('made/o.txt', 'old');
    const trial = await tryCommand(makeRunner(), 'echo new > "$o"; exit 1', {
      stage: none,
      outs: [out('o', 'made/o.txt')],
    });
    expect(trial).toMatchObject({ state: 'failed', exit: 1 });
    expect(readFileSync(`${rig.root}/made/o.txt`, 'utf8')).toBe('old');
    expect(statSync(`${rig.root}/made/o.txt`).ino).toBe(statSync(rig.store.objectPath(old.digest)).ino);
  });

  it('fails for a missing out, and for a changed or absent input', async () => {
    const runner = makeRunner();
    expect(await tryCommand(runner, 'true', { stage: none, outs: [out('o', 'o.txt')] })).toMatchObject({
      code: 'out-missing',
    });
    const file = rig.plain('in.txt', 'in');
    expect(await tryCommand(runner, 'echo >> in.txt', { stage: none, deps: [dep('i', file)] })).toMatchObject(
      { code: 'input-changed' },
    );
    const gone = { ...file, path: 'gone.txt' };
    expect(await tryCommand(runner, 'true', { stage: none, deps: [dep('i', gone)] })).toMatchObject({
      code: 'input-missing',
    });
  });

  it('runs in turn with every other one', async () => {
    const runner = makeRunner();
    const first = await start({ runner, stage: none });
    const second = await runner.openStage(stageWork('echo second', { stage: none }));
    const lines: string[] = [];
    const outcome = second.run(datumWork(), (line) => lines.push(line.text), new AbortController().signal);
    await first.child.tell(print('still here\n'));
    expect(lines).toEqual([]);
    await first.child.end({ do: 'exit', code: 0 });
    expect(await first.outcome).toMatchObject({ state: 'ok' });
    expect(await outcome).toMatchObject({ state: 'ok' });
    expect(lines).toEqual(['second']);
  });
});

it('an output with a second name outside its out is copied, not moved', async () => {
  mkdirSync(`${rig.root}/x`);
  writeFileSync(`${rig.root}/x/a`, 'a');
  linkSync(`${rig.root}/x/a`, `${rig.root}/x/b`);
  const trial = await tryCommand(makeRunner(), 'echo a > "$a"; ln "$a" "$b"', {
    outs: [out('a', 'a'), out('b', 'b')],
  });
  expect(trial).toMatchObject({ state: 'ok', outs: [{ path: 'a' }, { path: 'b' }] });
});
