import type { FileEntry } from '../model/file-entry.ts';
import { compareBytes, firstFrom } from '../model/repo-path.ts';
import { TreeCursor } from '../store/tree-cursor.ts';
import type { TrackedFile } from '../workspace/git.ts';
import type { AppContext } from './ports.ts';
import type { Dataset, Project } from './project.ts';
import { projectAt } from './project-at.ts';
import { findRecorded, type RecordedFile } from './recorded-file.ts';
import { pointerEntry, withName } from './records.ts';

/** A file of a version: of a dataset, or a small one that git tracks. */
export interface ServedFile {
  readonly path: string;
  readonly size: number;
  /** Digest of the bytes; of a file that git tracks, git's id. */
  readonly etag: string;
  readonly content: RecordedFile | TrackedFile;
}

/** What of a version is asked for. */
export interface ViewRequest {
  readonly prefix: string;
  /** Paths are cut behind it, where it comes behind the prefix; '' cuts none. */
  readonly delimiter: string;
  /** Only what comes behind this path or folder; '' for all. */
  readonly after: string;
  readonly limit: number;
}

/** Files and folders of a version by the bytes of their paths. */
export interface View {
  readonly files: readonly ServedFile[];
  /** With the delimiter. */
  readonly folders: readonly string[];
  /** The last of them where there is more. */
  readonly last: string | undefined;
}

/** Leaves of trees that a version holds, of 4,096 files at most. */
const HELD_LEAVES = 8;
/** Tracked files up to this size are served: they pass through memory. */
const LARGEST_TRACKED = 16 << 20;

/** A commit's data, and the small files that git tracks, under their paths. Reads of the datasets' trees only what is asked for. */
export class ServedVersion {
  /** Epoch milliseconds of the commit. */
  readonly time: number;
  readonly #ctx: AppContext;
  readonly #datasets: readonly Dataset[];
  readonly #tracked: readonly TrackedFile[];
  readonly #lookedUp = new Map<Dataset, DatasetSource>();

  private constructor(
    ctx: AppContext,
    parts: { project: Project; tracked: readonly TrackedFile[]; time: number },
  ) {
    this.#ctx = ctx;
    this.time = parts.time;
    this.#datasets = parts.project.datasets
      .filter(({ recorded }) => recorded !== undefined)
      .sort((a, b) => compareBytes(a.home, b.home));
    this.#tracked = parts.tracked;
  }

  /** Throws what a commit's files have that can't be read (exit 2). */
  static async open(ctx: AppContext, commit: string): Promise<ServedVersion> {
    const [project, files, times] = await Promise.all([
      projectAt(ctx, commit),
      ctx.git.filesOf(commit),
      ctx.git.history.times([commit]),
    ]);
    const tracked = files.filter(({ size }) => size <= LARGEST_TRACKED);
    return new ServedVersion(ctx, { project, tracked, time: (times.get(commit) ?? 0) * 1000 });
  }

  /** The file at a path, with symlinks of datasets followed; undefined where there is none. */
  async find(path: string): Promise<ServedFile | undefined> {
    for (const dataset of this.#datasets) {
      const { home, single } = dataset;
      if (single ? path !== home : !path.startsWith(`${home}/`)) continue;
      const found = await this.#lookUpIn(dataset).seek(path);
      if (found?.path !== path) continue;
      return found.entry.kind === 'l' ? this.#followed(path) : servedRecord(path, found);
    }
    const tracked = new TrackedSource(this.#tracked).at(path);
    return tracked?.path === path ? servedTracked(tracked) : undefined;
  }

  async #followed(path: string): Promise<ServedFile | undefined> {
    const found = await findRecorded(this.#ctx, { datasets: this.#datasets }, path);
    return typeof found === 'string' ? undefined : servedRecord(path, found);
  }

  /** Those asked for lately hold a leaf each, since who reads one file reads its neighbours. */
  #lookUpIn(dataset: Dataset): DatasetSource {
    const source = this.#lookedUp.get(dataset) ?? new DatasetSource(this.#ctx, dataset);
    this.#lookedUp.delete(dataset);
    this.#lookedUp.set(dataset, source);
    const [oldest] = this.#lookedUp.keys();
    if (oldest !== undefined && this.#lookedUp.size > HELD_LEAVES) this.#lookedUp.delete(oldest);
    return source;
  }

  /** Whether anything lies below a folder (without a slash at its end, '' for all). */
  async hasFolder(folder: string): Promise<boolean> {
    const prefix = folder === '' ? '' : `${folder}/`;
    const { files, folders } = await this.list({ prefix, delimiter: '/', after: '', limit: 1 });
    return folder === '' || files.length + folders.length > 0;
  }

  /** A page of files and folders; cost in proportion to it, and to the leaves of trees that it reaches into. */
  async list({ prefix, delimiter, after, limit }: ViewRequest): Promise<View> {
    const sources = this.#sourcesFor(prefix);
    const files: ServedFile[] = [];
    const folders: string[] = [];
    const folderOf = (path: string): string | undefined => {
      const cut = delimiter === '' ? -1 : path.indexOf(delimiter, prefix.length);
      return cut < 0 ? undefined : path.slice(0, cut + delimiter.length);
    };
    let last: string | undefined;
    let at = prefix;
    if (after !== '' && compareBytes(after, prefix) >= 0)
      at = after.startsWith(prefix) && folderOf(after) === after ? behind(after) : `${after}\0`;
    for (;;) {
      const file = await firstOf(sources, at);
      if (!file?.path.startsWith(prefix)) return { files, folders, last: undefined };
      const folder = folderOf(file.path);
      const served = folder === undefined ? await this.#serve(file) : undefined;
      if (folder !== undefined || served !== undefined) {
        if (files.length + folders.length >= limit) return { files, folders, last };
        last = folder ?? file.path;
      }
      if (folder !== undefined) folders.push(folder);
      else if (served !== undefined) files.push(served);
      at = folder === undefined ? `${file.path}\0` : behind(folder);
    }
  }

  async #serve(file: Found): Promise<ServedFile | undefined> {
    if ('id' in file) return servedTracked(file);
    return file.entry.kind === 'l' ? this.#followed(file.path) : servedRecord(file.path, file);
  }

  /** Those that can have paths with this prefix, in the order of their first. */
  #sourcesFor(prefix: string): readonly Source[] {
    const datasets = this.#datasets.filter(
      ({ home }) => home.startsWith(prefix) || prefix.startsWith(`${home}/`),
    );
    return [
      new TrackedSource(this.#tracked),
      ...datasets.map((dataset) => new DatasetSource(this.#ctx, dataset)),
    ];
  }
}

type FoundRecord = RecordedFile & { readonly path: string };
type Found = FoundRecord | TrackedFile;

/** A part of a version, in order. */
interface Source {
  /** No path of it comes before. */
  readonly first: string;
  /** The first of its files that doesn't come before a path. */
  readonly seek: (from: string) => Promise<Found | undefined>;
}

/** Sources are in the order of their first paths: those that begin behind what was found aren't looked into. */
async function firstOf(sources: readonly Source[], from: string): Promise<Found | undefined> {
  let best: Found | undefined;
  for (const source of sources) {
    if (best !== undefined && compareBytes(source.first, best.path) > 0) break;
    const found = await source.seek(from);
    if (found !== undefined && (best === undefined || compareBytes(found.path, best.path) < 0)) best = found;
  }
  return best;
}

class DatasetSource implements Source {
  readonly first: string;
  readonly #dataset: Dataset;
  readonly #cursor: TreeCursor | undefined;
  #known: { readonly from: string; readonly found: FoundRecord | undefined } | undefined;

  constructor(ctx: AppContext, dataset: Dataset) {
    const { home, single, recorded } = dataset;
    this.first = single ? home : `${home}/`;
    this.#dataset = dataset;
    this.#cursor =
      recorded === undefined || pointerEntry(dataset) !== undefined
        ? undefined
        : new TreeCursor(ctx.store, recorded);
  }

  async seek(from: string): Promise<FoundRecord | undefined> {
    const known = this.#known;
    const holds = known !== undefined && compareBytes(known.from, from) <= 0;
    if (holds && (known.found === undefined || compareBytes(from, known.found.path) <= 0)) return known.found;
    const entry = await this.#entryFrom(from);
    const found = entry && { path: entry.path, entry, dataset: this.#dataset };
    this.#known = { from, found };
    return found;
  }

  async #entryFrom(from: string): Promise<FileEntry | undefined> {
    const { home, single } = this.#dataset;
    const isBefore = compareBytes(from, this.first) <= 0;
    if (this.#cursor === undefined) return isBefore ? pointerEntry(this.#dataset) : undefined;
    if (!isBefore && (single || !from.startsWith(this.first))) return undefined;
    const inside = isBefore ? '' : from.slice(this.first.length);
    const entry = await withName(this.#dataset, this.#cursor.seek(inside));
    return entry && { ...entry, path: single ? home : this.first + entry.path };
  }
}

class TrackedSource implements Source {
  readonly first = '';
  readonly #files: readonly TrackedFile[];

  constructor(files: readonly TrackedFile[]) {
    this.#files = files;
  }

  async seek(from: string): Promise<Found | undefined> {
    return this.at(from);
  }

  at(from: string): TrackedFile | undefined {
    return this.#files[firstFrom(this.#files, ({ path }) => path, from)];
  }
}

function servedRecord(path: string, content: RecordedFile): ServedFile {
  const { digest, size } = content.entry;
  return { path, size, etag: digest, content };
}

function servedTracked(content: TrackedFile): ServedFile {
  return { path: content.path, size: content.size, etag: content.id, content };
}

/** What no path that begins with a folder reaches. */
function behind(folder: string): string {
  const last = folder.charCodeAt(folder.length - 1);
  return last < 127 ? folder.slice(0, -1) + String.fromCharCode(last + 1) : `${folder}\u{10FFFF}`;
}
