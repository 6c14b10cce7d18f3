import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { WorkEvent } from '../../src/model/event.ts';
import { expectSchema } from '../rig/schemas.ts';
import { filesBelow, openStory, type Story } from './story.ts';
import { openTwoStages, PIPELINE } from './two-stages.ts';

/** Its store is named relative to the repository. */
const openProject = (): Promise<Story> => openTwoStages(() => '../store');

type End = WorkEvent & { readonly objects: number; readonly bytes: number; readonly exit: number };

async function moved(story: Story, ...args: readonly string[]): Promise<End> {
  const result = await story.datawf([...args, '--json']);
  expect(result.code, result.stderr).toBe(0);
  const events = result.events();
  for (const event of events) expectSchema('event', event);
  return events.at(-1) as End;
}

const stored = (story: Story, folder: string): string[] => filesBelow(story.path(`../store/${folder}`));

describe('push', () => {
  test('copies what lock and pointers name, and then has nothing to do', async () => {
    const story = await openProject();
    expect(await moved(story, 'push')).toMatchObject({ event: 'end', objects: 7, bytes: 3 * 7 + 3 * 7 + 21 });
    expect(await moved(story, 'push')).toMatchObject({ objects: 0, bytes: 0, exit: 0 });
    const ref = JSON.parse(readFileSync(story.path('../store/refs/main.json'), 'utf8')) as object;
    expectSchema('refs', ref);
    expect(ref).toMatchObject({
      commit: (await story.git('rev-parse', 'HEAD')).trim(),
      reads: [],
      single: ['report.txt'],
    });
    // Of the one run that made it; nobody writes any more.
    expect(stored(story, 'runs')).toEqual([expect.stringMatching(/^\d{13}-[0-9A-Z]{26}\.json$/)]);
  });

  test('moves only what a change made new', async () => {
    const story = await openProject();
    await story.succeed('push');
    const before = stored(story, 'objects').length;
    story.write('raw/2024-01-02.csv', 'other\n');
    await story.succeed('repro');
    // The day in and out, and the report; lock and pointer are texts.
    expect(await moved(story, 'push')).toMatchObject({ objects: 3 });
    expect(stored(story, 'objects')).toHaveLength(before + 3 + 2);
  });

  test('with -n says what it would move, and moves nothing', async () => {
    const story = await openProject();
    expect(await moved(story, 'push', '-n')).toMatchObject({ objects: 7 });
    expect(filesBelow(story.path('../store'))).toEqual([]);
  });

  test('of targets moves those, and leaves the ref to a whole push', async () => {
    const story = await openProject();
    expect(await moved(story, 'push', 'raw')).toMatchObject({ objects: 3 });
    expect(await moved(story, 'push', 'clean', '--since', '2024-01-02')).toMatchObject({ objects: 2 });
    expect(stored(story, 'refs')).toEqual([]);
    expect(await moved(story, 'push')).toMatchObject({ objects: 2 });
    expect(stored(story, 'refs')).toEqual(['main.json']);
  });

  test('warns of plain files that stages see', async () => {
    const story = await openProject();
    story.write('extra/note.txt', 'plain\n');
    story.pipeline(`${PIPELINE}
  notes:
    cmd: cat "$note" > "$out"
    deps: {note: extra/note.txt}
    outs: {out: note.txt}
`);
    const { stderr, code } = await story.datawf(['push']);
    expect(code).toBe(0);
    expect(stderr).toContain('stages see extra/note.txt, which no clone will have');
  });

  test('of what is in no store says which files, and writes no ref', async () => {
    const story = await openProject();
    const { digest } = (await story.datawf(['ls', '-R', '--json', 'raw'])).json<
      { digest: string }[]
    >()[0] ?? {
      digest: '',
    };
    rmSync(story.path(`.git/datawf/objects/${digest.slice(0, 2)}/${digest}`), { force: true });
    const { code, stderr } = await story.datawf(['push', '--json']);
    expect(code).toBe(4);
    expect(JSON.parse(stderr)).toMatchObject({ error: 'missing-object', exit: 4 });
    expect(stderr).toContain('raw/2024-01-01.csv');
    expect(stored(story, 'refs')).toEqual([]);
  });

  test('with --run-cache moves results of earlier versions too', async () => {
    const story = await openProject();
    await story.succeed('push');
    story.pipeline(PIPELINE.replace('a-z A-Z', 'a-z B-ZA'));
    await story.succeed('repro');
    story.pipeline(PIPELINE);
    await story.succeed('repro');
    const before = stored(story, 'results').length;
    await story.succeed('push', '--run-cache');
    expect(stored(story, 'results').length).toBeGreaterThan(before);
  });

  test('without a store says how to name one', async () => {
    const story = await openStory(PIPELINE);
    for (const command of ['push', 'fetch', 'pull']) {
      const { code, stderr } = await story.datawf([command, '--json']);
      expect(code).toBe(2);
      expect(JSON.parse(stderr)).toMatchObject({ error: 'no-store', exit: 2 });
    }
  });
});

test('status on a clean tree asks no store, even one that cannot be reached', async () => {
  const story = await openProject();
  await story.succeed('config', 'set', 'stores.shared.url', '../file/store');
  writeFileSync(join(story.path('..'), 'file'), '');
  expect((await story.datawf(['status', '--json'])).json<{ clean: boolean }>().clean).toBe(true);
});
