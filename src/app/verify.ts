import { lstatSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { digestAt, kindAt } from '../disk/file-columns.ts';
import { hashFiles } from '../disk/hash-pool.ts';
import { quarantine } from '../disk/object-file.ts';
import type { Digest } from '../model/digest.ts';
import { Problem } from '../model/problem.ts';
import type { VerifyReport } from '../model/report.ts';
import { writeListing } from '../store/trees.ts';
import { readIndex } from '../workspace/stat-index.ts';
import { ownersOf } from './dataset-owners.ts';
import { homeRequest } from './datasets.ts';
import { recordedListing } from './records.ts';
import { dropFiles, type DatasetFile } from './drop-files.ts';
import { groupByRoot } from './index-homes.ts';
import type { AppContext } from './ports.ts';
import { loadProject, toTreePath, workTreeFiles, type Dataset, type Project } from './project.ts';
import { withLock } from './writing.ts';

/**
 * Reads every object and tree of the local store again and compares it with its name. What is damaged goes to quarantine,
 * and is mended at once where the workspace still has the right bytes (`repaired`); the rest is named with the files of this
 * commit that it hits and how each can come back. Cost: a read of the whole store.
 */
export async function verify(ctx: AppContext, _request: { readonly all: boolean }): Promise<VerifyReport> {
  return withLock(ctx, 'datawf verify', () => verifyLocal(ctx));
}

type Damage = VerifyReport['damaged'][number];

async function verifyLocal(ctx: AppContext): Promise<VerifyReport> {
  const project = loadProject(workTreeFiles(ctx.workspace));
  const trees = await readAgain(ctx, 'trees');
  const badTrees = await mendTrees(ctx, project, trees.bad);
  const objects = await readAgain(ctx, 'objects');
  const { damaged, repaired } = await mendObjects(ctx, project, objects.bad);
  return {
    objects: objects.count,
    bytes: objects.bytes,
    trees: trees.count,
    damaged: [...badTrees.damaged, ...damaged],
    repaired: [...badTrees.repaired, ...repaired],
  };
}

interface Reading {
  readonly count: number;
  readonly bytes: number;
  /** Names whose bytes are others, with what is wrong. */
  readonly bad: ReadonlyMap<Digest, string>;
}

async function readAgain(ctx: AppContext, top: 'objects' | 'trees'): Promise<Reading> {
  const names: Digest[] = [];
  if (top === 'trees') for await (const { digest } of ctx.store.listTrees()) names.push(digest);
  else for await (const { digest } of ctx.store.listObjects()) names.push(digest);
  const paths = names.map((name) => `${top}/${name.slice(0, 2)}/${name}`);
  const columns = await hashFiles({
    root: ctx.store.folder,
    paths,
    signal: ctx.signal,
    onProgress: (done, bytes) =>
      ctx.emit({ event: 'progress', verb: 'verifying', done, total: names.length, bytes, totalBytes: 0 }),
  });
  const bad = new Map<Digest, string>();
  let bytes = 0;
  names.forEach((name, index) => {
    bytes += columns.sizes[index] ?? 0;
    const kind = kindAt(columns, index);
    const found = digestAt(columns, index);
    if (kind === undefined || kind === 'l') bad.set(name, 'it is no file');
    else if (found !== name) bad.set(name, `its bytes have the digest ${found}`);
  });
  return { count: names.length, bytes, bad };
}

interface Mended {
  readonly damaged: readonly Damage[];
  readonly repaired: NonNullable<VerifyReport['repaired']>;
}

/** Damaged trees go; those of datasets that lie here as recorded are written again from the stat index. */
async function mendTrees(ctx: AppContext, project: Project, bad: Reading['bad']): Promise<Mended> {
  const damaged: Damage[] = [];
  const repaired: { digest: string; paths: readonly string[] }[] = [];
  if (bad.size === 0) return { damaged, repaired };
  const aside = `${ctx.store.folder}/quarantine`;
  mkdirSync(aside, { recursive: true });
  for (const digest of bad.keys()) {
    renameSync(`${ctx.store.folder}/trees/${digest.slice(0, 2)}/${digest}`, `${aside}/tree-${digest}`);
    await ctx.store.removeTree(digest);
  }
  const owner = ownersOf(project);
  for (const [root, datasets] of groupByRoot(project.roots, project.datasets)) {
    const index = readIndex(homeRequest(ctx, root).indexFile);
    for (const dataset of datasets) {
      if (dataset.recorded === undefined || index?.trees.get(dataset.owner) !== dataset.recorded) continue;
      if (!(await isBroken(ctx, dataset))) continue;
      const rows = index.listing().filter(({ path }) => owner(path) === dataset);
      await writeListing(
        ctx.store,
        rows.map((entry) => ({ ...entry, path: toTreePath(dataset, entry.path) })),
      );
    }
  }
  const hit = new Map<string, Dataset>();
  for (const dataset of project.datasets) if (await isBroken(ctx, dataset)) hit.set(dataset.home, dataset);
  for (const [digest, fault] of bad) {
    if (await ctx.store.hasTree(digest)) {
      repaired.push({ digest, paths: [] });
      continue;
    }
    const stages = [...hit.values()].flatMap(({ stage }) => stage?.stage.id ?? []);
    const again = stages.length === 0 ? '' : `, or make its datasets anew: datawf repro ${stages.join(' ')}`;
    damaged.push({
      digest,
      fault: `it is a list of files or rows, and ${fault}`,
      paths: [...hit.keys()],
      cure: `Get it with \`datawf pull\`${again}`,
    });
  }
  return { damaged, repaired };
}

/** Whether a dataset's tree can't be read whole. */
async function isBroken(ctx: AppContext, dataset: Dataset): Promise<boolean> {
  try {
    await recordedListing(ctx.store, dataset);
    return false;
  } catch (error) {
    if (error instanceof Problem) return true;
    throw error;
  }
}

async function mendObjects(ctx: AppContext, project: Project, bad: Reading['bad']): Promise<Mended> {
  const damaged: Damage[] = [];
  const repaired: { digest: string; paths: readonly string[] }[] = [];
  if (bad.size === 0) return { damaged, repaired };
  const uses = await findUses(ctx, project, bad);
  for (const [digest, fault] of bad) {
    const files = uses.get(digest) ?? [];
    const paths = files.map(({ entry }) => entry.path);
    const shared = paths.filter((path) => isSameFile(ctx, path, digest));
    quarantine(ctx.store.folder, digest, fault);
    if (
      await mendFromWorkspace(
        ctx,
        digest,
        paths.filter((path) => !shared.includes(path)),
      )
    ) {
      repaired.push({ digest, paths });
      continue;
    }
    const also =
      shared.length === 0
        ? ''
        : `; ${shared.join(', ')} in the workspace ${shared.length === 1 ? 'was' : 'were'} the same file (a hard link), and went with it`;
    damaged.push({
      digest,
      fault: fault + also,
      paths,
      cure: cureOf(
        files.map(({ dataset }) => dataset),
        paths,
      ),
    });
    // Their bytes are in quarantine; a file that only looks right would be taken for an edit.
    const lost = files.filter(({ entry }) => shared.includes(entry.path));
    await dropFiles(ctx, project, lost);
  }
  return { damaged, repaired };
}

async function findUses(
  ctx: AppContext,
  project: Project,
  bad: Reading['bad'],
): Promise<ReadonlyMap<Digest, readonly DatasetFile[]>> {
  const uses = new Map<Digest, DatasetFile[]>();
  for (const dataset of project.datasets) {
    if (await isBroken(ctx, dataset)) continue;
    for (const entry of await recordedListing(ctx.store, dataset)) {
      if (!bad.has(entry.digest)) continue;
      uses.set(entry.digest, [...(uses.get(entry.digest) ?? []), { dataset, entry }]);
    }
  }
  return uses;
}

function isSameFile(ctx: AppContext, path: string, digest: Digest): boolean {
  const file = lstatSync(join(ctx.workspace.root, path), { throwIfNoEntry: false });
  const object = lstatSync(ctx.store.objectPath(digest), { throwIfNoEntry: false });
  return file !== undefined && file.ino === object?.ino && file.dev === object.dev;
}

async function mendFromWorkspace(
  ctx: AppContext,
  digest: Digest,
  paths: readonly string[],
): Promise<boolean> {
  for (const path of paths) {
    const columns = await hashFiles({
      root: ctx.workspace.root,
      paths: [path],
      storeFolder: ctx.store.folder,
      signal: ctx.signal,
    });
    if (kindAt(columns, 0) === undefined || digestAt(columns, 0) !== digest) continue;
    await ctx.store.putObject(digest, join(ctx.workspace.root, path), ctx.signal);
    return true;
  }
  return false;
}

function cureOf(datasets: readonly Dataset[], paths: readonly string[]): string {
  if (paths.length === 0)
    return 'No file of this commit needs it; other commits may: `datawf pull` gets it where another store has it.';
  const stages = [...new Set(datasets.flatMap(({ stage }) => stage?.stage.id ?? []))];
  const isAllMade = datasets.every(({ stage }) => stage !== undefined);
  if (isAllMade) return `Make it again: datawf repro ${stages.join(' ')}; or get it with \`datawf pull\`.`;
  return 'Get it with `datawf pull` where another store has it, or put the right file back and record it: datawf add PATH.';
}
