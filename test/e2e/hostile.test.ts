import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { add } from '../../src/app/add.ts';
import { checkout } from '../../src/app/checkout.ts';
import { repro } from '../../src/app/repro.ts';
import { status } from '../../src/app/status.ts';
import { openRunPorts } from '../../src/cli/context.ts';
import { Problem } from '../../src/model/problem.ts';
import { digestHex } from '../../src/util/blake3.ts';
import { limitMs, runs } from '../rig/property.ts';
import { damage } from '../unit/formats/texts.ts';
import { contextAt, openHome, PLAIN_REPRO } from './in-process.ts';
import { filesBelow } from './story.ts';

/** What comes with a branch or out of a store is untrusted: whatever it says, nothing is written outside, and the answer is clear. */

const PIPELINE = `
stages:
  clean:
    cmd: cat "$raw" > "$clean"
    deps: {raw: "data/raw/{name}.csv"}
    outs: {clean: "out/clean/{name}.csv"}
  words:
    cmd: cp "$clean" "$words/copy"
    deps: {clean: "out/clean/{name}.csv"}
    outs: {words: "out/words/{name}/"}
`;

const { base, env } = openHome();
const template = join(base, 'template');
afterAll(() => rmSync(base, { recursive: true, force: true }));

beforeAll(async () => {
  mkdirSync(template);
  execFileSync('git', ['init', '--quiet'], { cwd: template, env });
  const texts = {
    'datawf.yaml': PIPELINE,
    '.datawf/config.yaml': 'limits: {archive: 2}\n',
    'data/raw/a.csv': 'a\n',
    'data/raw/b.csv': 'b\n',
  };
  for (const [path, text] of Object.entries(texts)) write(template, path, text);
  await add(contextAt(template, env), { paths: ['data/raw'], dryRun: false });
  const context = contextAt(template, env);
  expect(await repro(context, PLAIN_REPRO, openRunPorts(context))).toMatchObject({ exit: 0 });
});

function write(root: string, path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  rmSync(file, { force: true });
  writeFileSync(file, text);
}

let count = 0;

/** A repository like the first after a clone with its store: nothing of its data is in place. */
function openCopy(): string {
  const root = join(base, `w${(count += 1)}`, 'repo');
  cpSync(template, root, { recursive: true, verbatimSymlinks: true });
  for (const path of ['out', 'data/raw', '.git/datawf/index'])
    rmSync(join(root, path), { recursive: true, force: true });
  return root;
}

/** Puts a tree into the store under its own digest and lets the tracked file name it instead of its own. */
function replaceTree(root: string, file: string, change: (text: string) => string): void {
  const text = readFileSync(join(root, file), 'utf8');
  const digest = /tree: ([0-9a-f]{64})/.exec(text)?.[1] ?? '';
  const tree = change(readFileSync(treeFile(root, digest), 'utf8'));
  const name = digestHex(tree);
  mkdirSync(dirname(treeFile(root, name)), { recursive: true });
  writeFileSync(treeFile(root, name), tree);
  write(root, file, text.replaceAll(digest, name));
}

function treeFile(root: string, digest: string): string {
  return join(root, '.git/datawf/trees', digest.slice(0, 2), digest);
}

/** Everything but what datawf may write: outside the repository, and in git's own folder. */
function surroundings(root: string): string[] {
  const outside = readdirSync(dirname(root));
  const git = filesBelow(join(root, '.git')).filter((path) => !/^(datawf\/|index)/.test(path));
  return [...outside, ...git];
}

/** How the commands end: done, or the code of a problem. Anything else fails the test. */
async function endsOf(root: string, commands: readonly (keyof typeof COMMANDS)[]): Promise<string[]> {
  const before = surroundings(root);
  const ends: string[] = [];
  for (const command of commands) {
    try {
      await COMMANDS[command](root);
      ends.push('done');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      expect(error.exit).toBeGreaterThan(1);
      ends.push(error.code);
    }
  }
  expect(surroundings(root)).toEqual(before);
  rmSync(dirname(root), { recursive: true });
  return ends;
}

const COMMANDS = {
  status: async (root: string) => await status(contextAt(root, env), { targets: [] }),
  checkout: async (root: string) =>
    await checkout(contextAt(root, env), { paths: [], force: true, relink: false, dryRun: false }),
  repro: async (root: string) => {
    const context = contextAt(root, env);
    return await repro(context, PLAIN_REPRO, openRunPorts(context));
  },
};

test.each([
  ['a parent folder', '../../escaped'],
  ['an absolute path', '/tmp/datawf-escaped'],
  ["git's folder", '.git/hooks'],
  ["git's folder in capitals", 'x/.GIT/hooks'],
])('a lock whose dataset lies in %s is refused', async (_, home) => {
  const root = openCopy();
  write(
    root,
    'datawf.lock',
    readFileSync(join(root, 'datawf.lock'), 'utf8').replace('out/clean: ', `${home}: `),
  );
  expect(await endsOf(root, ['status', 'checkout', 'repro'])).toEqual(Array(3).fill('invalid-lock'));
});

test.each([
  ['a parent folder', '../../escaped'],
  ['an absolute path', '/tmp/datawf-escaped'],
  ["git's folder", '.git/hooks/post-checkout'],
  ["a nested repository's", 'sub/.git/config'],
])('a tree with a file in %s is damaged', async (_, path) => {
  for (const file of ['data/raw.datawf', 'datawf.lock']) {
    const root = openCopy();
    replaceTree(root, file, (text) => text.replace('a.csv', path));
    expect(new Set(await endsOf(root, ['checkout', 'repro']))).toEqual(new Set(['corrupt-tree']));
  }
});

test.each([
  ['outside', '../../../..'],
  ["into git's folder", '../../.git/hooks'],
])('a link of one dataset leads no file of another %s', async (_, target) => {
  const root = openCopy();
  const digest = digestHex(target);
  write(root, `.git/datawf/objects/${digest.slice(0, 2)}/${digest}`, target);
  const raw = readFileSync(join(root, 'data/raw.datawf'), 'utf8');
  replaceTree(root, 'data/raw.datawf', () => `l ${digest} ${target.length} up\n`);
  write(root, 'data/raw/up.datawf', raw.replace('path: raw', 'path: up'));
  await endsOf(root, ['checkout', 'repro']);
});

/** Changes every line of the run cache. */
function changeResults(root: string, change: (line: string) => string): void {
  const folder = '.git/datawf/results';
  for (const name of filesBelow(join(root, folder))) {
    const lines = readFileSync(join(root, folder, name), 'utf8').split('\n');
    write(root, join(folder, name), lines.map(change).join('\n'));
  }
}

test.each([
  ['lies elsewhere', (line: string) => line.replace('out/clean/a.csv', 'out/clean/c.csv')],
  ['has other bytes', (line: string) => line.replace(/\["f","[0-9a-f]{4}/, '["f","0000')],
])('a result in the store whose file %s is none: the datum runs', async (_, change) => {
  const root = openCopy();
  changeResults(root, change);
  rmSync(join(root, 'datawf.lock'));
  const lock = readFileSync(join(template, 'datawf.lock'), 'utf8');
  await COMMANDS.repro(root);
  expect(readFileSync(join(root, 'datawf.lock'), 'utf8')).toBe(lock);
  expect(await endsOf(root, ['checkout'])).toEqual(['done']);
});

test.each(['.git/hooks/post-merge', 'out/clean/.git/config', '../../escaped', '/tmp/datawf-escaped'])(
  'a result in the store with a file %s is damage',
  async (path) => {
    const root = openCopy();
    changeResults(root, (line) => line.replace('out/clean/a.csv', path));
    rmSync(join(root, 'datawf.lock'));
    expect(await endsOf(root, ['repro'])).toEqual(['corrupt-results']);
  },
);

test(
  'a repository damaged in any way is answered clearly, and nothing is written outside',
  async () => {
    const stored = ['results', 'keys', 'runs', 'index'].map((name) => `.git/datawf/${name}`);
    const files = [
      'datawf.yaml',
      'datawf.lock',
      'data/raw.datawf',
      '.datawf/config.yaml',
      'tree',
      'lock tree',
      ...stored,
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.nat(), damage, async (file, which, change) => {
        const root = openCopy();
        if (file === 'tree') replaceTree(root, 'data/raw.datawf', change);
        else if (file === 'lock tree') replaceTree(root, 'datawf.lock', change);
        else {
          const inside = file.startsWith('.git/') ? filesBelow(join(template, file)) : undefined;
          const path = inside === undefined ? file : join(file, inside[which % inside.length] ?? '');
          write(root, path, change(readFileSync(join(template, path), 'utf8')));
        }
        // A damaged command isn't run: who knows what it does.
        const runs =
          file === 'datawf.yaml'
            ? (['status', 'checkout'] as const)
            : (['status', 'checkout', 'repro'] as const);
        await endsOf(root, runs);
      }),
      { numRuns: runs(25), endOnFailure: true },
    );
  },
  limitMs(120_000),
);
