import { describe, expect, onTestFinished, test } from 'vitest';
import { controlChildren, type Child } from '../rig/child-control.ts';
import { datums, openStory, readRepro, type Story } from './story.ts';

/** What happens when something goes wrong (concepts 1.6, 1.7). */

const CHAIN = `
stages:
  clean:
    cmd: 'if grep -q bad "$raw"; then echo "no good: $raw" >&2; exit 7; fi; cp "$raw" "$clean"'
    deps: {raw: "raw/{n}.txt"}
    outs: {clean: "clean/{n}.txt"}
  each:
    cmd: cp "$clean" "$each"
    deps: {clean: "clean/{n}.txt"}
    outs: {each: "each/{n}.txt"}
  all:
    cmd: cat $(cat "$DATAWF_INPUTS") > "$all"
    deps: {each: each/}
    outs: {all: all.txt}
`;

describe('a failed datum', () => {
  test('lets the others finish, blocks what would see its outs, and ends in exit 3', async () => {
    const story = await openStory(CHAIN);
    story.files({ 'raw/1.txt': 'one\n', 'raw/2.txt': 'bad\n', 'raw/3.txt': 'three\n' });
    const run = await story.repro();
    expect(run.code).toBe(3);
    expect(run.ran).toEqual(['clean n=1', 'clean n=3', 'each n=1', 'each n=3']);
    expect(run.ended('failed')).toEqual(['clean n=2']);
    expect(run.ended('blocked')).toEqual(['all', 'each n=2']);
    expect(run.counts).toEqual({ planned: 7, ran: 4, failed: 1, blocked: 2 });
    const [failed] = run.events.filter((event) => event.event === 'datum-end' && event.state === 'failed');
    expect(failed).toMatchObject({
      stderr: 'no good: raw/2.txt\n',
      message: expect.stringContaining('7') as string,
    });
    expect([story.texts('clean'), story.has('all.txt')]).toEqual([['1.txt: one', '3.txt: three'], false]);
    expect((await story.stage('clean')).state).toBe('failed');
    expect(story.read('datawf.lock')).toMatch(/count: 3, failed: 1/);
  });

  test('keeps its last good row and files, and blocks downstream with or without them', async () => {
    const story = await openStory(CHAIN);
    story.files({ 'raw/1.txt': 'one\n', 'raw/2.txt': 'two\n' });
    await story.repro();
    story.write('raw/2.txt', 'bad\n');
    const run = await story.repro();
    expect([run.code, run.ended('failed'), run.ended('blocked')]).toEqual([
      3,
      ['clean n=2'],
      ['all', 'each n=2'],
    ]);
    expect([story.texts('clean'), story.texts('each'), story.read('all.txt')]).toEqual([
      ['1.txt: one', '2.txt: two'],
      ['1.txt: one', '2.txt: two'],
      'one\ntwo\n',
    ]);
  });

  test('is tried again by the next run, and nothing else is', async () => {
    const story = await openStory(CHAIN);
    story.files({ 'raw/1.txt': 'one\n', 'raw/2.txt': 'bad\n' });
    await story.repro();
    const again = await story.repro();
    expect([again.code, again.ran, again.ended('failed'), again.ended('blocked')]).toEqual([
      3,
      [],
      ['clean n=2'],
      ['all', 'each n=2'],
    ]);
    story.write('raw/2.txt', 'good\n');
    const cured = await story.repro();
    expect([cured.code, cured.ran]).toEqual([0, ['all', 'clean n=2', 'each n=2']]);
    expect(datums(await story.stage('clean'))).toEqual({ total: 2, current: 2 });
    expect(story.read('datawf.lock')).not.toContain('failed');
  });

  test('goes back to good without running when its input is reverted', async () => {
    const story = await openStory(CHAIN);
    story.files({ 'raw/1.txt': 'one\n', 'raw/2.txt': 'two\n' });
    await story.repro();
    const lock = story.read('datawf.lock');
    story.write('raw/2.txt', 'bad\n');
    await story.repro();
    story.write('raw/2.txt', 'two\n');
    const run = await story.repro();
    expect([run.code, run.ran]).toEqual([0, []]);
    expect(story.read('datawf.lock')).toBe(lock);
  });

  test('that vanishes takes its row with it', async () => {
    const story = await openStory(CHAIN);
    story.files({ 'raw/1.txt': 'one\n', 'raw/2.txt': 'bad\n' });
    await story.repro();
    story.remove('raw/2.txt');
    const run = await story.repro();
    expect([run.code, run.ran, story.read('all.txt')]).toEqual([0, ['all'], 'one\n']);
  });

  test('blocks downstream also where its stage is not part of the run', async () => {
    const story = await openStory(CHAIN);
    story.files({ 'raw/1.txt': 'one\n', 'raw/2.txt': 'two\n' });
    await story.repro();
    story.files({ 'raw/1.txt': 'uno\n', 'raw/2.txt': 'bad\n' });
    await story.repro('clean', '--single');
    const run = await story.repro('each', '--single');
    expect([run.code, run.ran, run.ended('blocked')]).toEqual([3, ['each n=1'], ['each n=2']]);
  });

  test('is told in words on stderr with its last lines, and how to see more', async () => {
    const story = await openStory(CHAIN);
    story.write('raw/2.txt', 'bad\n');
    const { code, stderr } = await story.datawf(['repro']);
    expect(code).toBe(3);
    expect(stderr).toContain('no good: raw/2.txt');
    expect(stderr).toMatch(/clean n=2/);
    expect(stderr).not.toMatch(/^ {4}at /m);
  });
});

describe('a waiting datum', () => {
  test('blocks nobody: its last good files, or none, are seen', async () => {
    const story = await openStory(`
stages:
  fetch:
    cmd: grep -q ready "$raw" || exit 75; cp "$raw" "$got"
    deps: {raw: "raw/{n}.txt"}
    outs: {got: "got/{n}.txt"}
  all:
    cmd: cat $(cat "$DATAWF_INPUTS") > "$all"
    deps: {got: got/}
    outs: {all: all.txt}
`);
    story.files({ 'raw/1.txt': 'ready one\n', 'raw/2.txt': 'not yet\n' });
    const first = await story.repro();
    expect([first.code, first.counts]).toEqual([0, { planned: 3, ran: 2, waiting: 1 }]);
    expect(story.read('all.txt')).toBe('ready one\n');
    story.write('raw/1.txt', 'later\n');
    const second = await story.repro();
    expect([second.code, second.ran, story.read('all.txt')]).toEqual([0, [], 'ready one\n']);
  });
});

describe('the drop guard', () => {
  const FILES = Object.fromEntries(Array.from({ length: 14 }, (_, n) => [`raw/${n + 10}.txt`, `${n}\n`]));

  test('stops a run that would drop many files, before anything behind it starts', async () => {
    const story = await openStory(CHAIN);
    story.files(FILES);
    await story.repro();
    const lock = story.read('datawf.lock');
    for (let n = 10; n < 21; n++) story.remove(`raw/${n}.txt`);
    const run = await story.repro();
    expect(run.error).toMatchObject({ error: 'drop-guard', exit: 6 });
    expect(run.error?.hint).toContain('--allow-drop');
    expect([run.code, run.ran, story.read('datawf.lock') === lock]).toEqual([6, [], true]);
    expect(story.texts('clean')).toHaveLength(14);
    const allowed = await story.repro('--allow-drop');
    expect([allowed.code, allowed.ran, story.texts('clean').length]).toEqual([0, ['all'], 3]);
  });

  test('lets ten files go', async () => {
    const story = await openStory(CHAIN);
    story.files(FILES);
    await story.repro();
    for (let n = 10; n < 20; n++) story.remove(`raw/${n}.txt`);
    expect((await story.repro()).code).toBe(0);
    expect(story.texts('each')).toHaveLength(4);
  });

  test('sees datums that vanish while the run goes on', async () => {
    const story = await openStory(`
stages:
  split:
    cmd: for n in $(cat "$table"); do echo "$n" > "$rows/$n.txt"; done
    deps: {table: table.txt}
    outs: {rows: rows/}
  each:
    cmd: cp "$row" "$made"
    deps: {row: "rows/{n}.txt"}
    outs: {made: "made/{n}.txt"}
  all:
    cmd: cat $(cat "$DATAWF_INPUTS") > "$all"
    deps: {made: made/}
    outs: {all: all.txt}
`);
    story.write('table.txt', '10 11 12 13 14 15 16 17 18 19 20 21\n');
    await story.repro();
    story.write('table.txt', '10\n');
    const run = await story.repro();
    expect([run.code, run.error?.error]).toEqual([6, 'drop-guard']);
    expect([story.texts('made').length, story.read('all.txt').split('\n').length]).toEqual([12, 13]);
    expect((await story.repro('--allow-drop')).code).toBe(0);
    expect([story.texts('made'), story.read('all.txt')]).toEqual([['10.txt: 10'], '10\n']);
  });
});

describe('an output', () => {
  async function openEdited(): Promise<Story> {
    const story = await openStory(CHAIN);
    story.files({ 'raw/1.txt': 'one\n', 'raw/2.txt': 'two\n' });
    await story.repro();
    return story;
  }

  test('edited by hand stops the run with both cures', async () => {
    const story = await openEdited();
    story.write('clean/1.txt', 'edited\n');
    const run = await story.repro();
    expect(run.error).toMatchObject({
      error: 'output-edited',
      exit: 6,
      message: expect.stringContaining('clean/1.txt') as string,
    });
    expect(run.error?.hint).toMatch(/checkout --force clean.*optional dep/);
    expect(story.read('clean/1.txt')).toBe('edited\n');
    await story.succeed('checkout', '--force', 'clean');
    expect(story.read('clean/1.txt')).toBe('one\n');
    expect((await story.repro()).counts).toEqual({ skipped: 5 });
  });

  test('added by hand stops the run and stays', async () => {
    const story = await openEdited();
    story.write('clean/mine.txt', 'mine\n');
    expect((await story.repro()).error).toMatchObject({ error: 'output-edited', exit: 6 });
    expect(story.read('clean/mine.txt')).toBe('mine\n');
  });

  test('that is missing is fetched when needed, and nothing runs for it', async () => {
    const story = await openEdited();
    story.remove('clean');
    const run = await story.repro();
    expect([run.code, run.ran]).toEqual([0, []]);
    expect(story.texts('clean')).toEqual(['1.txt: one', '2.txt: two']);
  });

  test('whose object is gone too is made again', async () => {
    const story = await openStory(CHAIN.replace('cp "$clean" "$each"', `sed 's/^/=/' "$clean" > "$each"`));
    story.files({ 'raw/1.txt': 'one\n', 'raw/2.txt': 'two\n' });
    await story.repro();
    const lock = story.read('datawf.lock');
    for (const path of ['clean', 'each', 'all.txt', '.git/datawf/objects']) story.remove(path);
    expect((await story.repro()).code).toBe(0);
    expect([story.texts('clean'), story.texts('each'), story.read('all.txt')]).toEqual([
      ['1.txt: one', '2.txt: two'],
      ['1.txt: =one', '2.txt: =two'],
      '=one\n=two\n',
    ]);
    expect(story.read('datawf.lock')).toBe(lock);
  });
});

/** A story whose one stage runs a child that does what the test says. */
async function openControlled() {
  const control = await controlChildren();
  onTestFinished(() => {
    control.close();
  });
  const [node, script, socket] = control.argv;
  const story = await openStory(`
stages:
  one:
    cmd: [${node ?? ''}, ${script ?? ''}, ${socket ?? ''}]
    matrix: {n: [1, 2, 3]}
    outs: {made: "made/{n}.txt"}
`);
  const finish = async (child: Child): Promise<void> => {
    await child.tell({ do: 'write', path: child.env['made'] ?? '', text: child.env['n'] ?? '' });
    await child.end({ do: 'exit', code: 0 });
  };
  return { story, control, finish };
}

describe('two processes', () => {
  test('the second says whom it waits for, then exits 6; the first goes on', async () => {
    const { story, control, finish } = await openControlled();
    const first = story.repro('-j', '1');
    const child = await control.next();
    const second = await story.datawf(['repro']);
    expect(second.code).toBe(6);
    expect(second.stderr).toMatch(/waiting for datawf repro \(process \d+\)/);
    expect(second.stderr).toMatch(/error: .*datawf repro/);
    await finish(child);
    await finish(await control.next());
    await finish(await control.next());
    expect((await first).code).toBe(0);
  });

  test('questions are answered while another one works', async () => {
    const { story, control, finish } = await openControlled();
    const first = story.repro('-j', '1');
    const child = await control.next();
    expect((await story.datawf(['status', '--json'])).code).toBe(0);
    expect((await story.datawf(['repro', '--dry-run'])).code).toBe(0);
    await finish(child);
    await finish(await control.next());
    await finish(await control.next());
    expect((await first).code).toBe(0);
  });
});

describe('Ctrl-C', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends the command and the run with 130; what is finished is kept and not run again',
    async (signal) => {
      const { story, control, finish } = await openControlled();
      let kill: (signal: NodeJS.Signals) => boolean = () => false;
      const first = story.datawf(['repro', '--json', '-j', '1'], {
        onStart: (process) => (kill = (name) => process.kill(name)),
      });
      await finish(await control.next());
      const second = await control.next();
      kill(signal);
      await second.gone;
      const run = readRepro(await first);
      expect([run.code, run.ran]).toEqual([130, ['one n=1']]);
      expect(run.events.at(-1)).toMatchObject({ event: 'end', state: 'cancelled', exit: 130 });
      expect(story.texts('made')).toEqual(['1.txt: 1']);
      const again = story.repro('-j', '1');
      await finish(await control.next());
      await finish(await control.next());
      expect((await again).ran).toEqual(['one n=2', 'one n=3']);
      const log = (await story.succeed('log', '--json')).json<{ state: string }[]>();
      expect(log.map(({ state }) => state)).toEqual(['done', 'cancelled']);
    },
  );
});

test('an unknown target exits 4 with the nearest name', async () => {
  const story = await openStory(CHAIN);
  story.write('raw/1.txt', 'one\n');
  const { error, code } = await story.repro('claen');
  expect(code).toBe(4);
  expect(error).toMatchObject({
    exit: 4,
    message: expect.stringContaining('claen') as string,
    hint: 'Did you mean "clean"?',
  });
});
