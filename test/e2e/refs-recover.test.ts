import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectSchema } from '../rig/schemas.ts';
import type { Result } from './rig.ts';
import { filesBelow, openStory, type Story } from './story.ts';

const PIPELINE = `
stages:
  clean:
    cmd: tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "data/raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "data/clean/{date:%Y-%m-%d}.csv"}
  pack:
    cmd: cat "$all"/* > "$dir/pack"; cat "$all"/* > "$report"
    deps: {all: data/clean/}
    outs: {dir: "pack/", report: out/report.txt}
`;

async function openProject(): Promise<Story> {
  const story = await openStory(PIPELINE);
  story.files({ 'data/raw/2024-01-01.csv': 'one\n', 'data/raw/2024-01-02.csv': 'two\n', 'model.bin': 'm\n' });
  story.write('run.sh', '#!/bin/sh\n', 0o755);
  await story.succeed('add', 'data/raw', 'model.bin', 'run.sh');
  await story.succeed('repro');
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  return story;
}

const TOOLS = ['sh', 'sed', 'grep', 'cp', 'mkdir', 'mktemp', 'rm', 'cat', 'chmod', 'ln'];

/** A folder with nothing but tools that any system has, to be the PATH: no Node, and no digest tool unless named. */
async function barePath(story: Story, more: readonly string[] = []): Promise<string> {
  const bin = story.path('../bin');
  mkdirSync(bin);
  for (const tool of [...TOOLS, ...more]) {
    const { stdout } = await story.run(['sh', '-c', `command -v ${tool}`]);
    symlinkSync(stdout.trim(), join(bin, tool));
  }
  return bin;
}

async function recover(story: Story, store: string, branch: string, path: string): Promise<Result> {
  return await story.run(['/bin/sh', `${store}/recover.sh`, store, branch, '../out'], {
    env: { PATH: path },
  });
}

const restored = (story: Story): readonly string[] => filesBelow(story.path('../out'));

const ALL = [
  'data/clean/2024-01-01.csv',
  'data/clean/2024-01-02.csv',
  'data/raw/2024-01-01.csv',
  'data/raw/2024-01-02.csv',
  'model.bin',
  'out/report.txt',
  'pack/pack',
  'run.sh',
];

describe('recover.sh', () => {
  test('restores a branch of a pushed store without Node and without a digest tool, and says so', async () => {
    const story = await openProject();
    await story.succeed('config', 'set', 'stores.shared.url', '../store');
    await story.succeed('push');
    const { code, stderr } = await recover(story, '../store', 'main', await barePath(story));
    expect(code, stderr).toBe(0);
    expect(stderr).toBe('no b3sum here: the digests of the files are not checked\n');
    expect(restored(story)).toEqual(ALL);
    for (const path of ALL) expect(story.read(join('../out', path)), path).toBe(story.read(path));
    expect((await story.run(['sh', '-c', 'test -x ../out/run.sh'])).code).toBe(0);
  });

  test('restores a branch of the local store, as the last command left it', async () => {
    const story = await openProject();
    story.write('data/raw/2024-01-03.csv', 'three\n');
    await story.succeed('repro');
    const { code, stderr } = await recover(story, '.git/datawf', 'main', await barePath(story));
    expect(code, stderr).toBe(0);
    expect(restored(story)).toHaveLength(ALL.length + 2);
  });

  test('notices damage where there is a digest tool', async () => {
    const story = await openProject();
    const { digest } = (await story.datawf(['ls', '-R', '--json', 'data/raw'])).json<
      { digest: string }[]
    >()[0] ?? {
      digest: '',
    };
    const object = story.path(`.git/datawf/objects/${digest.slice(0, 2)}/${digest}`);
    chmodSync(object, 0o644);
    writeFileSync(object, 'bad\n');
    const path = await barePath(story);
    const digestOf = new URL('../../dist/util/blake3.js', import.meta.url).href;
    writeFileSync(
      join(path, 'sum.mjs'),
      `import { digestHex } from '${digestOf}';\nimport { readFileSync } from 'node:fs';\nconsole.log(digestHex(readFileSync(0)));\n`,
    );
    const script = `#!/bin/sh\nexec '${process.execPath}' '${join(path, 'sum.mjs')}'\n`;
    writeFileSync(join(path, 'b3sum'), script, { mode: 0o755 });
    const { code, stderr } = await recover(story, '.git/datawf', 'main', path);
    expect({ code, stderr }).toEqual({
      code: 7,
      stderr: `damaged: objects/${digest.slice(0, 2)}/${digest}\n`,
    });
  });

  test('finds in the stores that a branch reads what its own does not have', async () => {
    const story = await openProject();
    story.write(
      '.datawf/config.yaml',
      `stores: {production: {url: ${story.path('../prod')}}, trial: {url: ${story.path('../trial')}}}
environments:
  production: {branches: [main], write: production}
  test: {branches: ["**"], write: trial, read: [production]}
`,
    );
    await story.succeed('push');
    await story.git('switch', '--quiet', '-c', 'feature/x');
    story.write('data/raw/2024-01-02.csv', 'other\n');
    await story.succeed('repro');
    await story.succeed('push');
    expect(filesBelow(story.path('../trial/objects')).length).toBeLessThan(8);
    const { code, stderr } = await recover(story, '../trial', 'feature/x', await barePath(story));
    expect(code, stderr).toBe(0);
    expect(story.read('../out/data/clean/2024-01-02.csv')).toBe('OTHER\n');
    expect(restored(story)).toEqual(ALL);
  });
});

describe('the ref of the local store', () => {
  const ref = (story: Story, branch = 'main'): object =>
    JSON.parse(readFileSync(story.path(`.git/datawf/refs/${branch}.json`), 'utf8')) as object;

  test('follows add, repro, remove and checkout', async () => {
    const story = await openProject();
    const first = ref(story);
    expectSchema('refs', first);
    expect(first).toMatchObject({ single: ['out/report.txt'] });
    await story.succeed('remove', 'model.bin');
    expect(ref(story)).not.toEqual(first);
    await story.git('checkout', '--quiet', '--', '.');
    await story.succeed('checkout');
    expect({ ...ref(story), commit: '' }).toEqual({ ...first, commit: '' });
    await story.git('switch', '--quiet', '-c', 'side/one');
    story.write('data/raw/2024-01-04.csv', 'four\n');
    await story.succeed('add', 'data/raw');
    expect(ref(story, 'side/one')).not.toMatchObject(first);
  });

  test('is not written by a command that changes nothing', async () => {
    const story = await openProject();
    await story.git('commit', '--quiet', '--allow-empty', '-m', 'empty');
    const before = ref(story);
    await story.succeed('repro');
    await story.succeed('add', 'data/raw');
    expect(ref(story)).toEqual(before);
  });
});
