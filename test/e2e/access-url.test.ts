import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectSchema } from '../rig/schemas.ts';
import { FAKE_KEYS, useFakeS3 } from '../rig/use-fake-s3.ts';
import { openStory, type Story } from './story.ts';

/** Readers of byte ranges: a stage gets a list of URLs, and takes what it wants of each file. */

/** Writes bytes 2 to 4 of each file of a list, and what the list says. */
const READER = `
import { openSync, readFileSync, readSync, writeFileSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
const [list, out] = process.argv.slice(2);
let text = '';
for (const line of readFileSync(list, 'utf8').split('\\n').filter(Boolean)) {
  const { path, size, url } = JSON.parse(line);
  console.log(line);
  if (existsSync(path)) process.exit(9);
  let part;
  if (url.startsWith('file:')) {
    const bytes = Buffer.alloc(3);
    readSync(openSync(fileURLToPath(url), 'r'), bytes, 0, 3, 2);
    part = bytes.toString();
  } else {
    const answer = await fetch(url, { headers: { range: 'bytes=2-4' } });
    if (answer.status !== 206) process.exit(8);
    part = await answer.text();
  }
  text += path + ' ' + size + ' ' + part + '\\n';
}
writeFileSync(out, text);
`;

const PIPELINE = `
stages:
  heads:
    cmd: test ! -w "$grids" -o -w / && test "$grids" = "$DATAWF_INPUTS_grids" && cat "$DATAWF_INPUTS" > $TMPDIR/all && test ! -s $TMPDIR/all && node reader.mjs "$grids" "$heads"
    code: [reader.mjs]
    deps: {grids: {path: "grids/{year}/", access: url}}
    outs: {heads: "heads/{year}.txt"}
`;

const fake = await useFakeS3();

async function openGrids(): Promise<Story> {
  const story = await openStory(PIPELINE);
  story.files({
    'reader.mjs': READER,
    'grids/2023/a.grid': '0123456789',
    'grids/2023/b.grid': 'abcdefghij',
    'grids/2024/a.grid': 'ABCDEFGHIJ',
  });
  await story.succeed('add', 'grids');
  return story;
}

const inBucket = async (story: Story): Promise<void> => {
  for (const [name, value] of [
    ['url', 's3://test/weather'],
    ['endpoint', fake.endpoint],
    ['path_style', 'true'],
  ])
    await story.succeed('config', 'set', `stores.s3.${name ?? ''}`, value ?? '');
};

/** The lines that the reader printed of its list. */
async function listed(story: Story): Promise<Record<string, unknown>[]> {
  const { stdout } = await story.succeed('logs', 'last');
  const lines = stdout.split('\n').flatMap((line) => /\{.*\}/.exec(line)?.[0] ?? []);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('without a bucket the URLs are files of the store', async () => {
  const story = await openGrids();
  expect(await story.repro()).toMatchObject({ code: 0, ran: ['heads year=2023', 'heads year=2024'] });
  expect(story.texts('heads')).toEqual([
    '2023.txt: grids/2023/a.grid 10 234\ngrids/2023/b.grid 10 cde',
    '2024.txt: grids/2024/a.grid 10 CDE',
  ]);
  const lines = await listed(story);
  for (const line of lines) expectSchema('url-list', line);
  expect(lines[0]?.['url']).toMatch(/^file:.*\/objects\//);

  story.write('grids/2024/a.grid', 'ABxyzFGHIJ');
  expect((await story.repro()).ran).toEqual(['heads year=2024']);
});

test('with a bucket they are signed, nothing is brought here, and the keys are those of any other store', async () => {
  const story = await openGrids();
  await story.repro();
  const onDisk = readFileSync(story.path('datawf.lock'), 'utf8');

  const other = await openGrids();
  await inBucket(other);
  const pushed = await other.datawf(['push', 'grids'], { env: FAKE_KEYS });
  expect(pushed.code, pushed.stderr).toBe(0);
  other.remove('.git/datawf/objects');
  other.remove('grids');
  await other.datawf(['checkout', 'grids']);
  expect(other.has('grids/2023/a.grid')).toBe(false);
  fake.requests.length = 0;
  expect(await other.reproWith({ env: FAKE_KEYS })).toMatchObject({
    code: 0,
    ran: ['heads year=2023', 'heads year=2024'],
    warnings: [],
  });
  expect(other.read('datawf.lock')).toBe(onDisk);
  expect(other.texts('heads')).toEqual(story.texts('heads'));
  expect(other.has('grids/2023/a.grid')).toBe(false);
  const gets = fake.requests.filter(({ method, key }) => method === 'GET' && key.includes('/objects/'));
  expect(gets.map(({ headers }) => headers.range)).toEqual(['bytes=2-4', 'bytes=2-4', 'bytes=2-4']);

  const lines = await listed(other);
  for (const line of lines) expectSchema('url-list', line);
  const digest = String(lines[0]?.['digest']);
  expect(lines[0]?.['s3']).toBe(`s3://test/weather/objects/${digest.slice(0, 2)}/${digest}`);
  // What opens an object isn't kept in logs.
  expect(lines[0]?.['url']).toMatch(/X-Amz-Expires=43200&.*X-Amz-Signature=\*{3}$/);
});

test('what is in no store stops the datum with its name', async () => {
  const story = await openGrids();
  story.remove('.git/datawf/objects');
  story.remove('grids/2024');
  await story.datawf(['checkout', 'grids']);
  const ended = await story.repro();
  expect(ended.code).toBe(3);
  expect(JSON.stringify(ended.events)).toMatch(
    /the content of the input grids\/\d+\/.\.grid .* is in none of the stores/,
  );
});

test('a stage without sandbox gets the list, too, and needs no file in the workspace', async () => {
  const story = await openGrids();
  story.pipeline(PIPELINE.replace('code:', 'sandbox: none\n    code:').replace(/if \(existsSync.*/, ''));
  story.write('reader.mjs', READER.replace(/.*existsSync\(path\).*\n/, ''));
  expect(await story.repro()).toMatchObject({ code: 0 });
  expect(join('heads', story.texts('heads')[1] ?? '')).toBe('heads/2024.txt: grids/2024/a.grid 10 CDE');
});
