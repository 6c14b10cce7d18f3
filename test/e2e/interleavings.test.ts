import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { add } from '../../src/app/add.ts';
import { checkout } from '../../src/app/checkout.ts';
import { pruneCache } from '../../src/app/cache.ts';
import { fetch } from '../../src/app/fetch.ts';
import { gc } from '../../src/app/gc.ts';
import { resolveMerges } from '../../src/app/lock-resolve.ts';
import { push } from '../../src/app/push.ts';
import { repro } from '../../src/app/repro.ts';
import { status } from '../../src/app/status.ts';
import { openRunPorts } from '../../src/cli/context.ts';
import { limitMs, runs } from '../rig/property.ts';
import { contextAt, openHome, PLAIN_REPRO } from './in-process.ts';
import { BINARY } from './rig.ts';
import { filesBelow } from './story.ts';

/**
 * Whatever is done to a repository, in whatever order: edits, runs, runs that are killed, commits, branches, merges, push, fetch, gc here
 * and of the store, files dropped that the store has. Afterwards every branch has all that it names, here and where it was pushed,
 * and a run there ends as one from scratch does.
 */

const PIPELINE = `
stages:
  clean:
    cmd: cat mark.txt "$raw" > "$clean"
    code: [mark.txt]
    deps: {raw: "data/raw/{name}.csv"}
    outs: {clean: "out/clean/{name}.csv"}
  words:
    cmd: for word in $(cat "$clean"); do echo "$name" > "$words/$word"; done
    deps: {clean: "out/clean/{name}.csv"}
    outs: {words: "out/words/{name}/"}
  perword:
    cmd: cat $(cat "$DATAWF_INPUTS") > "$list"
    deps: {words: "out/words/*/{word}"}
    outs: {list: "out/lists/{word}.txt"}
  report:
    cmd: cat $(cat "$DATAWF_INPUTS") > "$report"
    deps: {lists: out/lists/, clean: "out/clean/*.csv"}
    outs: {report: report.txt}
`;

type Step =
  | { readonly do: 'put'; readonly name: string; readonly text: string }
  | { readonly do: 'delete'; readonly name: string }
  | { readonly do: 'code'; readonly text: string }
  | { readonly do: 'repro' | 'commit' | 'branch' | 'gc' | 'push' | 'fetch' | 'gc-store' | 'prune' }
  /** `kill -9` of a run when so many datums have started. */
  | { readonly do: 'kill'; readonly started: number }
  | { readonly do: 'switch' | 'merge'; readonly branch: number };

const name = fc.constantFrom('a', 'b', 'c', 'd');
const branch = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      name,
      text: fc.constantFrom('x\n', 'y\n', 'x y\n', 'z\n'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), name }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('code' as const), text: fc.constantFrom('m\n', 'n\n') }),
  },
  { weight: 3, arbitrary: fc.constant({ do: 'repro' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('kill' as const), started: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'commit' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'branch' as const }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('switch' as const), branch }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('merge' as const), branch }) },
  { weight: 1, arbitrary: fc.constant({ do: 'gc' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'push' as const }) },
  { weight: 2, arbitrary: fc.constantFrom('fetch', 'gc-store', 'prune').map((what) => ({ do: what })) },
);

const MOVE_ALL = { targets: [], since: undefined, until: undefined, runCache: false, dryRun: false };

const { base, env } = openHome();
const template = join(base, 'template');
afterAll(() => rmSync(base, { recursive: true, force: true }));
beforeAll(async () => {
  mkdirSync(template);
  const place = new Place(template);
  place.git('init', '--quiet');
  execFileSync(process.execPath, [BINARY, 'init', '--quiet'], { cwd: template, env });
  place.write('datawf.yaml', PIPELINE);
  place.write('mark.txt', 'm\n');
  for (const each of ['a', 'b']) place.write(`data/raw/${each}.csv`, `${each}\n`);
  await place.repro();
  await place.commit();
});

/** A repository that is worked on in process, but for git and for runs that are killed. */
class Place {
  readonly root: string;
  readonly branches = ['main'];

  constructor(root: string) {
    this.root = root;
  }

  git(...args: readonly string[]): string {
    return execFileSync('git', args, {
      cwd: this.root,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true });
    writeFileSync(file, text);
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'put':
        this.write(`data/raw/${step.name}.csv`, step.text);
        break;
      case 'delete':
        rmSync(join(this.root, `data/raw/${step.name}.csv`), { force: true });
        break;
      case 'code':
        this.write('mark.txt', step.text);
        break;
      case 'repro':
        await this.repro();
        break;
      case 'kill':
        await this.kill(step.started);
        break;
      case 'commit':
        await this.commit();
        break;
      case 'branch':
        this.branches.push(`b${this.branches.length}`);
        this.git('checkout', '--quiet', '-b', this.branches.at(-1) ?? '');
        break;
      case 'switch':
        await this.switchTo(this.branchOf(step.branch));
        break;
      case 'merge':
        await this.merge(this.branchOf(step.branch));
        break;
      case 'gc':
        await this.gc();
        break;
      case 'push':
        await this.push();
        break;
      case 'fetch':
        await fetch(this.context(), MOVE_ALL);
        break;
      case 'gc-store':
        await this.gc('shared');
        break;
      case 'prune':
        await pruneCache(this.context(), { olderThan: 0, dryRun: false });
    }
  }

  context(): ReturnType<typeof contextAt> {
    return contextAt(this.root, env);
  }

  get store(): string {
    return `${this.root}-store`;
  }

  /** Names the store, in a file that isn't committed. */
  nameStore(): void {
    this.write('.datawf/local.yaml', `stores: {shared: {url: ${this.store}}}\n`);
    this.write('.git/info/exclude', '.datawf/local.yaml\n');
  }

  async push(): Promise<void> {
    await this.record();
    const context = this.context();
    await push(context, await openRunPorts(context).history(), MOVE_ALL);
  }

  /** Branches whose data the store alone doesn't give whole. */
  notRecovered(): readonly string[] {
    const refs = existsSync(join(this.store, 'refs')) ? readdirSync(join(this.store, 'refs')) : [];
    return refs.flatMap((ref) => {
      const branch = ref.replace(/[.]json$/, '');
      const argv = [join(this.store, 'recover.sh'), this.store, branch, `${this.root}-out-${branch}`];
      const { status: code, stderr } = spawnSync('sh', argv, { env, encoding: 'utf8' });
      return code === 0 ? [] : [`${branch}: ${stderr}`];
    });
  }

  branchOf(index: number): string {
    return this.branches[index % this.branches.length] ?? 'main';
  }

  async record(): Promise<void> {
    this.keepFolder();
    await add(this.context(), { paths: ['data/raw'], dryRun: false });
  }

  /** Git and checkout leave no empty folder; a dataset may be without files all the same. */
  keepFolder(): void {
    mkdirSync(join(this.root, 'data/raw'), { recursive: true });
  }

  async repro(): Promise<void> {
    await this.record();
    const context = this.context();
    expect(await repro(context, PLAIN_REPRO, openRunPorts(context))).toMatchObject({ exit: 0 });
  }

  async kill(started: number): Promise<void> {
    await this.record();
    const argv = [BINARY, 'repro', '--json', '-j', '2'];
    const child = spawn(process.execPath, argv, { cwd: this.root, env, stdio: ['ignore', 'pipe', 'ignore'] });
    let count = 0;
    for await (const line of createInterface({ input: child.stdout }))
      if (line.includes('"datum-start"') && (count += 1) === started) child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null)
      await new Promise((resolve) => child.once('exit', resolve));
  }

  async commit(): Promise<void> {
    await this.record();
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '-m', 'step');
  }

  async switchTo(branch: string): Promise<void> {
    await this.commit();
    this.git('checkout', '--quiet', branch);
    await this.bring();
  }

  async bring(): Promise<void> {
    if (existsSync(this.store)) await fetch(this.context(), MOVE_ALL);
    await checkout(this.context(), { paths: [], force: false, relink: false, dryRun: false });
  }

  /** Merges as a user does who takes ours where both changed one thing. */
  async merge(branch: string): Promise<void> {
    await this.commit();
    try {
      this.git('merge', '--quiet', '--no-edit', branch);
    } catch {
      await resolveMerges(this.context(), { files: [], prefer: 'ours', dryRun: false });
      if (this.git('diff', '--name-only', '--diff-filter=U') !== '') {
        this.git('checkout', '--ours', 'mark.txt');
        this.git('add', 'mark.txt');
      }
      this.git('commit', '--quiet', '--no-edit');
    }
    await this.bring();
  }

  async gc(store?: string): Promise<void> {
    const nothing = { allCommits: false, history: undefined, store, dryRun: false };
    await gc(this.context(), { ...nothing, grace: 0 });
  }

  async lacking(): Promise<readonly string[]> {
    const { datasets } = await status(this.context(), { targets: [] });
    return datasets.filter(({ state }) => state !== 'clean').map(({ path, state }) => `${path} ${state}`);
  }

  /** Everything that a run makes: the lock, and the files of outs. */
  made(): Record<string, string> {
    const paths = filesBelow(this.root).filter((path) => /^(out\/|report|data\/|datawf\.lock)/.test(path));
    const own = paths.filter((path) => !path.endsWith('.gitignore'));
    return Object.fromEntries(own.map((path) => [path, readFileSync(join(this.root, path), 'utf8')]));
  }

  /** One without any past: a run from scratch of the same inputs. */
  async scratch(root: string): Promise<Place> {
    const fresh = new Place(root);
    mkdirSync(root);
    fresh.git('init', '--quiet');
    this.keepFolder();
    fresh.keepFolder();
    for (const part of ['data/raw', 'mark.txt', 'datawf.yaml'])
      cpSync(join(this.root, part), join(root, part), { recursive: true, dereference: true });
    await fresh.repro();
    return fresh;
  }
}

let count = 0;

async function check(steps: readonly Step[]): Promise<void> {
  const root = join(base, `w${(count += 1)}`);
  cpSync(template, root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  const place = new Place(root);
  place.nameStore();
  for (const each of steps) await place.take(each);
  await place.commit();
  await place.gc();
  await place.gc('shared');
  expect(place.notRecovered()).toEqual([]);
  for (const branch of place.branches) {
    await place.switchTo(branch);
    expect(await place.lacking(), branch).toEqual([]);
    await place.repro();
    const fresh = await place.scratch(`${root}-${branch}`);
    expect(place.made(), branch).toEqual(fresh.made());
    expect(existsSync(join(root, '.git/datawf/quarantine'))).toBe(false);
    rmSync(fresh.root, { recursive: true });
  }
  rmSync(root, { recursive: true });
}

test(
  'any interleaving ends on every branch as a run from scratch does, and no branch lacks an object',
  async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 12 }), check), {
      numRuns: runs(4),
      endOnFailure: true,
    });
  },
  limitMs(240_000),
);
