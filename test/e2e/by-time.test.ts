import { expect, test } from 'vitest';
import { openStory } from './story.ts';

const PIPELINE = `
stages:
  forecast:
    cmd: cp "$raw" "$out"
    deps: {raw: "raw/{run:%Y-%m-%d}/{valid:%Y-%m-%d}.csv"}
    outs: {out: "out/{run:%Y-%m-%d}/{valid:%Y-%m-%d}.csv"}
`;

test('--by says which of two times the window of a push is about', async () => {
  const story = await openStory(PIPELINE);
  story.write('.datawf/config.yaml', 'stores: {only: {url: ../only}}\n');
  story.write('raw/2024-01-01/2024-01-02.csv', 'a\n');
  story.write('raw/2024-01-01/2024-01-03.csv', 'b\n');
  story.write('raw/2024-01-02/2024-01-03.csv', 'c\n');
  await story.succeed('add', 'raw');
  await story.succeed('repro');
  const objects = async (...args: readonly string[]): Promise<unknown> =>
    (await story.datawf(['push', 'forecast', '-n', '--json', ...args])).events().at(-1);
  expect(await objects('--until', '2024-01-02')).toMatchObject({ objects: 2 });
  expect(await objects('--since', '2024-01-03', '--by', 'valid')).toMatchObject({ objects: 2 });
  expect(await objects('--until', '2024-01-03', '--by', 'valid')).toMatchObject({ objects: 1 });
  const { code, stderr } = await story.datawf(['push', '--since', '2024', '--by', 'vald', '--json']);
  expect([code, (JSON.parse(stderr) as { error: string }).error]).toEqual([2, 'no-capture']);
});
