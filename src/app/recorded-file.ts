import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestAt } from '../disk/file-columns.ts';
import { hashFiles } from '../disk/hash-pool.ts';
import { vetObject } from '../disk/object-file.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { isWithin, parentOf } from '../model/repo-path.ts';
import { fetchObjects } from '../store/transfer.ts';
import type { AppContext } from './ports.ts';
import type { Dataset, Project } from './project.ts';
import { recordedEntry } from './records.ts';

/** A file of a version, and the dataset that has it. */
export interface RecordedFile {
  readonly entry: FileEntry;
  readonly dataset: Dataset;
}

/** A symlink that leads round and round, or further than this, isn't followed. */
const HOPS = 8;

/**
 * The recorded file at a path, with symlinks followed inside the datasets; else the path that none has: the one asked for, or
 * where a symlink leads. Reads one node a level.
 */
export async function findRecorded(
  ctx: AppContext,
  project: Pick<Project, 'datasets'>,
  path: string,
): Promise<RecordedFile | string> {
  let at = path;
  for (let hop = 0; hop < HOPS; hop++) {
    const found = await lookUp(ctx, project, at);
    if (found === undefined) return at;
    if (found.entry.kind !== 'l') return found;
    at = resolveLink(parentOf(at), readFileSync(await fileOf(ctx, found), 'utf8'));
  }
  return at;
}

async function lookUp(
  ctx: AppContext,
  project: Pick<Project, 'datasets'>,
  path: string,
): Promise<RecordedFile | undefined> {
  for (const dataset of project.datasets) {
    const { recorded, home, single } = dataset;
    if (recorded === undefined || !isWithin(path, home) || single !== (path === home)) continue;
    const entry = await recordedEntry(ctx.store, dataset, path);
    if (entry !== undefined) return { entry, dataset };
  }
  return undefined;
}

function resolveLink(folder: string, text: string): string {
  const parts = folder === '' ? [] : folder.split('/');
  for (const part of text.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

const BUFFER = 1 << 20;

/**
 * A file (absolute) with the bytes of a recorded one, checked: the local store's, else the workspace's where it has the recorded
 * digest, else fetched from the branch's stores and kept. Of a symlink it holds the text. Throws `missing-object` (exit 4),
 * `corrupt-object` (exit 7).
 */
export async function fileOf(ctx: AppContext, { entry, dataset }: RecordedFile): Promise<string> {
  const { digest, size, path } = entry;
  const stat = vetObject({ storeFolder: ctx.store.folder, digest, size, buffer: Buffer.allocUnsafe(BUFFER) });
  if (stat !== undefined) return ctx.store.objectPath(digest);
  const here = join(ctx.workspace.root, path);
  if (lstatSync(here, { throwIfNoEntry: false })?.isFile() === true) {
    const columns = await hashFiles({ root: ctx.workspace.root, paths: [path], signal: ctx.signal });
    if (digestAt(columns, 0) === digest) return here;
  }
  const from = (await ctx.remotes()).read.map(({ store }) => store);
  const moving = { jobs: 1, signal: ctx.signal };
  const lost = await fetchObjects(ctx.store, { from, objects: new Map([[digest, size]]), moving });
  if (lost.objects.size === 0) return ctx.store.objectPath(digest);
  if (lost.damage !== undefined) throw lost.damage;
  const stage = dataset.stage?.stage.id;
  throw new Problem({
    code: 'missing-object',
    message: `${path} (object ${digest}) isn't in the local store`,
    hint: `Get it with \`datawf pull\`${stage === undefined ? '' : `, or make it anew: datawf repro ${stage}`}`,
    exit: EXIT.notFound,
  });
}
