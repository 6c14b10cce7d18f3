import {
  chmodSync,
  createReadStream,
  createWriteStream,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { TEMP_PREFIX } from '../disk/atomic-file.ts';
import { fsProblem } from '../disk/fs-problem.ts';
import { checkLinkText } from '../disk/link-text.ts';
import { TempNames } from '../disk/object-file.ts';
import { tarBytes, type TarSource } from '../disk/tar.ts';
import type { EndEvent } from '../model/event.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { Digest } from '../model/digest.ts';
import { notFound, Problem, refused } from '../model/problem.ts';
import { compareBytes } from '../model/repo-path.ts';
import { locateObjects } from '../store/copy-verified.ts';
import type { Store } from '../store/store.ts';
import { forEachLimit } from '../util/limit.ts';
import { fetchAdopted } from './adopted.ts';
import { dataScope } from './checkout-scope.ts';
import { recordedListing } from './records.ts';
import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles, type Project } from './project.ts';
import { projectAt } from './project-at.ts';

export interface ExportRequest {
  /** A commit; what lock and pointers say here without. */
  readonly ref: string | undefined;
  readonly target: string;
  /** As typed: a folder, or a name ending in .tar, .tar.gz or .tgz. */
  readonly to: string;
  readonly force: boolean;
  readonly dryRun: boolean;
}

/**
 * Writes recorded files outside of datawf's care, under their paths in the repository: plain copies with checked bytes, from the
 * local store or the branch's stores. Equal files give an equal archive. Throws `no-target`, `missing-object` (exit 4),
 * `exists` (exit 6) before anything is written, `corrupt-object` (exit 7).
 */
export async function exportFiles(ctx: AppContext, request: ExportRequest): Promise<EndEvent> {
  const started = ctx.around.now();
  const { files, project } = await filesOf(ctx, request);
  const to = resolve(ctx.workspace.root, ctx.workspace.prefix, request.to);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const archive = /\.(tar|tar\.gz|tgz)$/.test(to);
  if (!request.force) refuseOverwriting(to, archive ? [''] : files.map(({ path }) => path));
  const source = await openSource(ctx, project, files);
  if (!request.dryRun) {
    if (archive) await writeArchive(ctx, { to, files, source });
    else await writeFolder(ctx, { to, files, source });
  }
  const size = `${files.length} ${files.length === 1 ? 'file' : 'files'}`;
  ctx.emit({ event: 'note', message: `${request.dryRun ? 'would export' : 'exported'} ${size} to ${to}` });
  const seconds = (ctx.around.now() - started) / 1000;
  const end = {
    event: 'end',
    exit: 0,
    seconds,
    to,
    files: files.length,
    bytes,
    dryRun: request.dryRun,
  } as const;
  ctx.emit(end);
  return end;
}

async function filesOf(
  ctx: AppContext,
  { ref, target }: ExportRequest,
): Promise<{ readonly files: readonly FileEntry[]; readonly project: Project }> {
  const project = ref === undefined ? loadProject(workTreeFiles(ctx.workspace)) : await projectAt(ctx, ref);
  const { datasets, within } = dataScope(ctx, project, target === '.' ? [] : [target]);
  const files = new Map<string, FileEntry>();
  for (const dataset of datasets) {
    for (const entry of await recordedListing(ctx.store, dataset))
      if (within === undefined || within(dataset, entry.path)) files.set(entry.path, entry);
  }
  if (files.size > 0)
    return { files: [...files.values()].sort((a, b) => compareBytes(a.path, b.path)), project };
  throw notFound(
    'no-path',
    `nothing of ${target} is recorded${ref === undefined ? '' : ` in ${ref}`}`,
    'See: datawf ls',
  );
}

function refuseOverwriting(to: string, paths: readonly string[]): void {
  const there = paths.filter((path) => lstatSync(join(to, path), { throwIfNoEntry: false }) !== undefined);
  const [first] = there;
  if (first === undefined) return;
  const more = there.length > 1 ? ` and ${there.length - 1} more` : '';
  throw refused(
    'exists',
    `${join(to, first)}${more} is there already`,
    'Choose another place, or overwrite with --force.',
  );
}

/** Gives an object's bytes as a new file. */
type Source = (entry: FileEntry, file: string) => Promise<void>;

/** Asks first whether all can be had, so that nothing is begun in vain. */
async function openSource(ctx: AppContext, project: Project, files: readonly FileEntry[]): Promise<Source> {
  const digests = [...new Set(files.map(({ digest }) => digest))];
  const absent = await ctx.store.missingObjects(digests, ctx.signal);
  const remotes = absent.length === 0 ? [] : (await ctx.remotes()).read.map(({ store }) => store);
  const { nowhere } = await locateObjects(remotes, absent, ctx.signal);
  const stores: readonly Store[] = [ctx.store, ...remotes];
  let missing: readonly Digest[] = [...nowhere];
  if (missing.length > 0) {
    const objects = new Map(missing.map((digest) => [digest, 0]));
    const moving = { jobs: ctx.config.jobs ?? 16, signal: ctx.signal };
    missing = [...(await fetchAdopted(ctx, project, { objects, moving })).keys()];
  }
  const lost = files.find(({ digest }) => missing.includes(digest));
  if (lost !== undefined) {
    throw notFound(
      'missing-object',
      `${lost.path} (object ${lost.digest}) is in none of the stores`,
      'Run the stage that makes it, or name the store that has it in .datawf/config.yaml.',
    );
  }
  return async ({ digest }, file) => {
    let failure: unknown;
    for (const store of stores) {
      try {
        await store.fetchObject(digest, file, ctx.signal);
        return;
      } catch (error) {
        if (!(error instanceof Problem) || !/^(missing|corrupt)-object$/.test(error.code)) throw error;
        if (failure === undefined || error.code === 'corrupt-object') failure = error;
      }
    }
    throw failure;
  };
}

interface Writing {
  /** Absolute. */
  readonly to: string;
  readonly files: readonly FileEntry[];
  readonly source: Source;
}

async function writeFolder(ctx: AppContext, { to, files, source }: Writing): Promise<void> {
  let done = 0;
  await forEachLimit(files, { limit: ctx.config.jobs ?? 16, signal: ctx.signal }, async (entry) => {
    const file = join(to, entry.path);
    try {
      mkdirSync(dirname(file), { recursive: true });
      if (entry.kind === 'l') {
        const text = await linkText(ctx, entry, source);
        checkLinkText(file, text, to);
        rmSync(file, { force: true });
        symlinkSync(text, file);
      } else {
        await source(entry, file);
        chmodSync(file, entry.kind === 'x' ? 0o755 : 0o644);
      }
    } catch (error) {
      throw fsProblem(error, 'write', file);
    }
    tell(ctx, ++done, files.length);
  });
}

async function writeArchive(ctx: AppContext, { to, files, source }: Writing): Promise<void> {
  const temp = `${dirname(to)}/${TEMP_PREFIX}${ctx.around.pid}.tar`;
  try {
    mkdirSync(dirname(to), { recursive: true });
    const bytes = Readable.from(tarBytes(tarFiles(ctx, files, source)), { objectMode: false });
    const out = createWriteStream(temp);
    await (to.endsWith('.tar')
      ? pipeline(bytes, out, { signal: ctx.signal })
      : pipeline(bytes, createGzip(), out, { signal: ctx.signal }));
    renameSync(temp, to);
  } catch (error) {
    throw fsProblem(error, 'write', to);
  } finally {
    rmSync(temp, { force: true });
  }
}

async function* tarFiles(ctx: AppContext, files: readonly FileEntry[], source: Source): TarSource {
  const temps = new TempNames(ctx.store.folder);
  for (const [index, entry] of files.entries()) {
    const { path, kind, size } = entry;
    if (kind === 'l') {
      const target = await linkText(ctx, entry, source);
      checkLinkText(join('/x', path), target, '/x');
      yield { entry: { path, kind: 'link', size: 0, target }, content: Readable.from([]) };
      continue;
    }
    // Whole and checked before its first byte goes into the archive.
    const file = temps.next();
    try {
      await source(entry, file);
      const form = kind === 'x' ? 'executable' : 'file';
      yield { entry: { path, kind: form, size }, content: createReadStream(file) };
    } finally {
      rmSync(file, { force: true });
    }
    tell(ctx, index + 1, files.length);
  }
}

async function linkText(ctx: AppContext, entry: FileEntry, source: Source): Promise<string> {
  const file = new TempNames(ctx.store.folder).next();
  try {
    await source(entry, file);
    let text = '';
    for await (const chunk of createReadStream(file, 'utf8')) text += String(chunk);
    return text;
  } finally {
    rmSync(file, { force: true });
  }
}

function tell(ctx: AppContext, done: number, total: number): void {
  ctx.emit({ event: 'progress', verb: 'exporting', done, total, bytes: 0, totalBytes: 0 });
}
