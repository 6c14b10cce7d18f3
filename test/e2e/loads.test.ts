import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStory } from './story.ts';

test('status loads no client of a cluster and none of a cloud', async () => {
  const story = await openStory(`
stages:
  copy: {cmd: cp a.txt b.txt, deps: {a: a.txt}, outs: {b: b.txt}}
`);
  story.write('a.txt', 'a\n');
  story.write(
    '.datawf/config.yaml',
    `stores: {s: {url: "../store"}}
environments: {main: {branches: ["**"], write: s, executor: kubernetes, namespace: x}}
`,
  );
  const coverage = join(story.root, '..', 'coverage');
  mkdirSync(coverage);
  const result = await story.datawf(['status'], { env: { NODE_V8_COVERAGE: coverage } });
  expect(result.code, result.stderr).toBe(0);
  const loaded = readdirSync(coverage).flatMap((file) => {
    const { result: scripts } = JSON.parse(readFileSync(join(coverage, file), 'utf8')) as {
      result: { url: string }[];
    };
    return scripts.map(({ url }) => url);
  });
  expect(loaded.some((url) => url.includes('datawf'))).toBe(true);
  expect(loaded.filter((url) => /@kubernetes|@aws-sdk/.test(url))).toEqual([]);
});
