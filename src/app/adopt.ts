import { appendFileSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { formatPins, parsePins, type Pin } from '../formats/pins-file.ts';
import type { Digest } from '../model/digest.ts';
import type { EndEvent } from '../model/event.ts';
import { damaged, invalid, notFound, refused } from '../model/problem.ts';
import type { Pointer } from '../model/pointer.ts';
import { compareBytes, dataFault, isWithin, type RepoPath } from '../model/repo-path.ts';
import type { SourceFile, SourceTree } from '../store/source-tree.ts';
import { writeListing } from '../store/trees.ts';
import { digestHex } from '../util/blake3.ts';
import { forEachLimit } from '../util/limit.ts';
import { readPins, sourceOf } from './adopted.ts';
import { noteForGit } from './git-note.ts';
import { writePointer } from './pointer-files.ts';
import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles, type Project } from './project.ts';
import { withRecord } from './refs.ts';
import { openTraffic, type Traffic } from './traffic.ts';
import { typedPath } from './typed-path.ts';

export interface AdoptRequest {
  /** `s3://bucket/prefix` or a folder; undefined looks anew at the source of what is at `path`. */
  readonly source: string | undefined;
  /** As typed. */
  readonly path: string;
  readonly dryRun: boolean;
}

/**
 * Records files of somebody else's as a dataset without copying them: each is read once for its digest and pinned to its version. A
 * source that was looked at before is read only where a version differs, and one that was broken off goes on. Throws `no-source` (exit 4),
 * `exists`, `not-adopted`, `nested-datasets` (exit 6), `source-moving` (exit 7).
 */
export async function adopt(ctx: AppContext, request: AdoptRequest): Promise<EndEvent> {
  const traffic = openTraffic(ctx, 'hashing');
  const work = async (): Promise<Adopted> => {
    const project = loadProject(workTreeFiles(ctx.workspace));
    const home = typedPath(ctx, request.path) as RepoPath;
    const { before, url } = whatToAdopt(ctx, project, { home, source: request.source });
    const source = await sourceOf(ctx, url);
    const files = await listed(source, ctx.signal);
    const old = before?.pins === undefined ? [] : parsePins(await readPins(ctx, before), home);
    const { pins, drafts } = await pinAll(ctx, { source, files, old, traffic, dryRun: request.dryRun });
    const written = request.dryRun ? [] : await record(ctx, { home, url, pins });
    rmSync(drafts, { force: true });
    return { ...changesOf(old, pins), url, requests: source.traffic.requests, written };
  };
  const { written, ...totals } = request.dryRun ? await work() : await withRecord(ctx, 'datawf adopt', work);
  if (totals.added + totals.changed + totals.deleted === 0)
    ctx.emit({ event: 'note', message: 'nothing changed' });
  await noteForGit(ctx, written);
  const verb = request.dryRun ? 'would adopt' : 'adopted';
  const end = await traffic.end({ verb, exit: 0, dryRun: request.dryRun, ...totals });
  ctx.emit(end);
  return end;
}

interface Adopted {
  readonly url: string;
  readonly requests: number;
  /** Files of the source. */
  readonly listed: number;
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
  readonly written: readonly string[];
}

function whatToAdopt(
  ctx: AppContext,
  project: Project,
  { home, source }: { readonly home: RepoPath; readonly source: string | undefined },
): { readonly before: Pointer | undefined; readonly url: string } {
  const before = project.pointers.find(({ path }) => path === home);
  if (source === undefined && (before?.source === undefined || before.pins === undefined))
    throw refused(
      'not-adopted',
      `${home} wasn't adopted`,
      'Say from where: datawf adopt s3://bucket/prefix PATH',
    );
  const { root, prefix } = ctx.workspace;
  const url =
    source === undefined
      ? (before?.source ?? '')
      : source.startsWith('s3://')
        ? source.replace(/\/+$/, '')
        : resolve(root, prefix, source);
  if (before === undefined) checkFree(ctx, project, home);
  else if (before.pins === undefined || before.source !== url)
    throw refused(
      'exists',
      `${home} is recorded already, and not from ${url}`,
      `Take it out first: datawf remove ${home}`,
    );
  if (!url.startsWith('s3://') && isWithin(url, root))
    throw invalid(
      'source-here',
      `${url} lies in the repository`,
      `Record it as it lies there: datawf add ${url === root ? 'PATH' : url.slice(root.length + 1)}`,
    );
  return { before, url };
}

function checkFree(ctx: AppContext, project: Project, home: RepoPath): void {
  const fault = home === '' ? 'is the whole repository' : dataFault(home);
  if (fault !== undefined)
    throw invalid(
      'bad-path',
      `the path ${JSON.stringify(home)} ${fault}`,
      'Name a new folder: datawf adopt s3://bucket/prefix data/raw',
    );
  const near = project.datasets.find((set) => isWithin(home, set.home) || isWithin(set.home, home));
  if (near !== undefined) {
    const maker = near.stage === undefined ? 'added data' : `what stage ${near.stage.stage.id} makes`;
    throw refused(
      'nested-datasets',
      `${home} and ${near.home}, which is ${maker}, would hold each other's files`,
      'Choose another path.',
    );
  }
  if (lstatSync(join(ctx.workspace.root, home), { throwIfNoEntry: false }) !== undefined)
    throw refused('exists', `${home} is there already`, 'Choose a path where nothing lies yet.');
}

async function listed(source: SourceTree, signal: AbortSignal): Promise<readonly SourceFile[]> {
  const files = await source.list(signal);
  if (files.length === 0)
    throw notFound(
      'no-source',
      `there is nothing at ${source.url}`,
      'Is the path right, and may you read it?',
    );
  const odd = files.find(({ path }) => path !== '' && dataFault(path) !== undefined);
  if (odd === undefined) return files;
  throw invalid(
    'bad-path',
    `${source.url} has ${JSON.stringify(odd.path)}, which ${dataFault(odd.path) ?? ''}`,
    'Adopt a part without it.',
  );
}

interface Pinning {
  readonly source: SourceTree;
  readonly files: readonly SourceFile[];
  readonly old: readonly Pin[];
  readonly traffic: Traffic;
  readonly dryRun: boolean;
}

/** Pins of all files, sorted; those read are noted in a draft at once, so that an interruption costs only what was under way. */
async function pinAll(
  ctx: AppContext,
  { source, files, old, traffic, dryRun }: Pinning,
): Promise<{ readonly pins: readonly Pin[]; readonly drafts: string }> {
  const drafts = join(ctx.local.tempFolder(), `adopt-${digestHex(source.url).slice(0, 16)}`);
  const known = new Map(old.map((pin) => [pin.path, pin]));
  if (existsSync(drafts)) {
    const text = readFileSync(drafts, 'utf8');
    for (const pin of parsePins(text.slice(0, text.lastIndexOf('\n') + 1), drafts)) known.set(pin.path, pin);
  }
  mkdirSync(dirname(drafts), { recursive: true });
  const pins: Pin[] = [];
  const fresh: SourceFile[] = [];
  for (const file of files) {
    const pin = known.get(file.path);
    // The list of a bucket says ETags only; a version's pin ends in its.
    if (pin !== undefined && pin.size === file.size && pin.pin.endsWith(file.pin)) pins.push(pin);
    else fresh.push(file);
  }
  traffic.expect(fresh.map(({ size }) => size));
  if (dryRun) return { pins: [...pins, ...fresh.map((file) => ({ ...file, digest: '' as Digest }))], drafts };
  const { jobs: limit, signal, onObject } = traffic.moving;
  await forEachLimit(fresh, { limit, signal }, async ({ path, size, pin }) => {
    const read = await source.read(path, { signal });
    if (read === undefined || read.size !== size || !read.pin.endsWith(pin)) throw moving(source, path);
    const made = { path, size, pin: read.pin, digest: read.digest as Digest };
    appendFileSync(drafts, formatPins([made]));
    pins.push(made);
    onObject?.(size);
  });
  return { pins: pins.sort((a, b) => compareBytes(a.path, b.path)), drafts };
}

function moving(source: SourceTree, path: string): Error {
  return damaged(
    'source-moving',
    `${source.url}/${path} changed while it was read`,
    'Run it again when nobody writes there; what was read is kept.',
  );
}

async function record(
  ctx: AppContext,
  { home, url, pins }: { readonly home: RepoPath; readonly url: string; readonly pins: readonly Pin[] },
): Promise<readonly string[]> {
  const text = formatPins(pins);
  const digest = digestHex(text) as Digest;
  await ctx.local.putBytes(digest, Buffer.from(text));
  const [only] = pins;
  if (only?.path === '') {
    const content = { type: 'file', kind: 'f', digest: only.digest, bytes: only.size } as const;
    return [...writePointer(ctx, { path: home, content, source: url, pins: digest })];
  }
  const listing = pins.map((pin) => ({
    kind: 'f' as const,
    digest: pin.digest,
    size: pin.size,
    path: pin.path,
  }));
  const tree = await writeListing(ctx.store, listing);
  await ctx.local.makeDurable();
  return [
    ...writePointer(ctx, { path: home, content: { type: 'folder', ...tree }, source: url, pins: digest }),
  ];
}

function changesOf(
  old: readonly Pin[],
  pins: readonly Pin[],
): Pick<Adopted, 'listed' | 'added' | 'changed' | 'deleted'> {
  const before = new Map(old.map((pin) => [pin.path, pin.digest]));
  const added = pins.filter(({ path }) => !before.has(path)).length;
  const changed = pins.filter(({ path, digest }) => before.has(path) && before.get(path) !== digest).length;
  return { listed: pins.length, added, changed, deleted: old.length - (pins.length - added) };
}
