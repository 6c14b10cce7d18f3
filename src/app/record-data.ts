import type { FileColumns } from '../disk/file-columns.ts';
import { digestAt, kindAt } from '../disk/file-columns.ts';
import { hashFiles, ingestFiles } from '../disk/hash-pool.ts';
import type { Digest } from '../model/digest.ts';
import { sameContent, type FileEntry } from '../model/file-entry.ts';
import { invalid, refused } from '../model/problem.ts';
import { isWithin, parentOf } from '../model/repo-path.ts';
import type { Pointer } from '../model/pointer.ts';
import type { Store } from '../store/store.ts';
import { diffTrees, patchTree, writeListing } from '../store/trees.ts';
import { recordPresent } from '../workspace/checkout.ts';
import { ignorePath } from '../workspace/git-ignore.ts';
import { scanHome, type HomeScan } from '../workspace/snapshot.ts';
import { rootHomes } from '../workspace/workspace.ts';
import type { AddTarget } from './add-targets.ts';
import { detachBeforeAdd } from './detach-links.ts';
import { ownersOf, type OwnerOf } from './dataset-owners.ts';
import { homeRequest } from './datasets.ts';
import { pointerEntry, withName } from './records.ts';
import { forgetIndex } from './index-homes.ts';
import { warnOfNames } from './name-clashes.ts';
import { ignoreFileOf, writePointer } from './pointer-files.ts';
import { linkWays, sizesOf } from './link-ways.ts';
import type { AppContext } from './ports.ts';
import { rootOf, toRepoPath, toTreePath, type Dataset, type Project } from './project.ts';
import { overlayTrees } from './tree-overlay.ts';

/** What recording came to. */
export interface Recorded {
  /** Files and bytes of the datasets now. */
  readonly files: number;
  readonly bytes: number;
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
  /** Tracked files that were written, for git. */
  readonly written: readonly string[];
  /** Pointers that weren't there before. */
  readonly created: readonly string[];
}

export interface RecordRequest {
  readonly targets: readonly AddTarget[];
  /** Find out everything and write nothing. */
  readonly dryRun: boolean;
}

/**
 * Records targets as they lie in the workspace: objects, then trees, then pointers, then the index. Only files that differ
 * from the index are read. Of a dataset that isn't here at its recorded version (another branch's is), only the edits are
 * recorded. Emits a `dataset` event for each. Only for a holder of the process lock, unless dry.
 */
export async function recordData(
  ctx: AppContext,
  project: Project,
  request: RecordRequest,
): Promise<Recorded> {
  const recorder = new Recorder(ctx, project, request);
  for (const root of recorder.roots) await recorder.recordRoot(root);
  return recorder.result();
}

/** One target's share of a root: files to read, a range of the root's, and files that are gone. */
interface Share {
  readonly target: AddTarget;
  readonly paths: readonly string[];
  readonly deleted: readonly string[];
}

/** A target's version before and after. */
interface Version {
  readonly pointer: Pointer;
  readonly changes: { readonly added: number; readonly changed: number; readonly deleted: number };
  /** For the index. */
  readonly brought: Digest | undefined;
}

class Recorder {
  readonly roots: readonly string[];
  readonly #ctx: AppContext;
  readonly #project: Project;
  readonly #request: RecordRequest;
  readonly #owner: OwnerOf;
  readonly #store: Store;
  readonly #allRoots: readonly string[];
  readonly #sum = { files: 0, bytes: 0, added: 0, changed: 0, deleted: 0 };
  readonly #written = new Set<string>();
  readonly #created: string[] = [];

  constructor(ctx: AppContext, project: Project, request: RecordRequest) {
    this.#ctx = ctx;
    this.#project = project;
    this.#request = request;
    this.#store = request.dryRun ? overlayTrees(ctx.store) : ctx.store;
    const homes = new Set<string>(request.targets.map(({ dataset }) => dataset.home));
    const others = project.datasets.filter(({ stage, home }) => stage !== undefined || !homes.has(home));
    const datasets = [...others, ...request.targets.map(({ dataset }) => dataset)];
    this.#owner = ownersOf({ datasets });
    this.#allRoots = rootHomes(datasets.map(({ home }) => home));
    this.roots = this.#allRoots.filter((root) =>
      request.targets.some(({ dataset }) => isWithin(dataset.home, root)),
    );
  }

  result(): Recorded {
    return { ...this.#sum, written: [...this.#written], created: this.#created };
  }

  async recordRoot(root: string): Promise<void> {
    const scan = await scanHome(homeRequest(this.#ctx, root));
    const shares = this.#request.targets
      .filter(({ dataset }) => rootOf(this.#allRoots, dataset.home) === root)
      .map((target) => this.#share(target, scan));
    for (const share of shares) this.#checkFiles(share, scan);
    const columns = await this.#readFiles(shares, scan);
    const trees = new Map<string, Digest | undefined>();
    const forget: string[] = [];
    let start = 0;
    for (const share of shares) {
      const end = start + share.paths.length;
      const { put, vanished } = entriesOf(share.target.dataset, columns, { start, end });
      start = end;
      warnOfNames(this.#ctx, share.target.dataset.home, put);
      const gone = [...share.deleted, ...vanished];
      const version = await this.#version({ ...share, deleted: gone }, put, scan);
      forget.push(...gone);
      trees.set(share.target.dataset.owner, version.brought);
      this.#finish(share.target.dataset, version);
    }
    const isNews = columns.paths.length > 0 || forget.length > 0;
    const isOld = [...trees].every(([owner, tree]) => scan.trees.get(owner) === tree);
    if (this.#request.dryRun || (!isNews && isOld)) return;
    recordPresent({ ...homeRequest(this.#ctx, root), present: columns, forget, trees });
    for (const old of this.#project.roots)
      if (old !== root && isWithin(old, root)) forgetIndex(this.#ctx, old);
  }

  #share(target: AddTarget, scan: HomeScan): Share {
    const { home } = target.dataset;
    const whole = target.scopes.includes(home);
    const exact = new Set(target.scopes);
    const isNamed = (path: string): boolean => {
      for (let at = path; at.length > home.length; at = parentOf(at)) if (exact.has(at)) return true;
      return whole;
    };
    const isMine = (path: string): boolean =>
      isWithin(path, home) && isNamed(path) && this.#owner(path) === target.dataset;
    return { target, paths: scan.candidates.filter(isMine), deleted: scan.deleted.filter(isMine) };
  }

  /** Files there must be, and where only some of a dataset were named, those. */
  #checkFiles({ target, paths, deleted }: Share, scan: HomeScan): void {
    const { home, recorded } = target.dataset;
    if (paths.length > 0 || deleted.length > 0 || recorded !== undefined) {
      for (const scope of target.scopes) this.#checkScope(target.dataset, scope, scan);
      return;
    }
    if (this.#heldRows(target.dataset, scan, []).length > 0) return;
    const maker = this.#project.datasets.find(
      ({ stage, home: other }) => stage !== undefined && (isWithin(other, home) || isWithin(home, other)),
    )?.stage?.stage.id;
    if (maker === undefined) {
      throw invalid(
        'empty-folder',
        `${home} has no files in it`,
        'Folders without files are in no version: put data there first.',
      );
    }
    throw refused(
      'stage-output',
      `${home} has no files but those that stage ${maker} writes`,
      `Record what the stage makes with \`datawf repro ${maker}\`; data of your own belong where no out is.`,
    );
  }

  /** A path in a dataset that is neither there, nor was here. */
  #checkScope(dataset: Dataset, scope: string, scan: HomeScan): void {
    if (scope === dataset.home || scan.index.entry(scope) !== undefined) return;
    const isThere = [...scan.candidates, ...scan.deleted].some((path) => isWithin(path, scope));
    if (isThere || scan.index.listing().some(({ path }) => isWithin(path, scope))) return;
    throw invalid(
      'no-path',
      `there is no file in ${scope}`,
      `Its dataset is ${dataset.home}: datawf ls ${dataset.home}`,
    );
  }

  async #readFiles(shares: readonly Share[], scan: HomeScan): Promise<FileColumns> {
    const ctx = this.#ctx;
    const paths = shares.flatMap((share) => share.paths);
    const links = linkWays(ctx, ctx.around.isRoot ? sizesOf(ctx, paths) : []);
    const options = {
      root: ctx.workspace.root,
      paths,
      storeFolder: ctx.store.folder,
      signal: ctx.signal,
      onProgress: (done: number, bytes: number): void =>
        ctx.emit({ event: 'progress', verb: 'adding', done, total: paths.length, bytes, totalBytes: 0 }),
    };
    if (this.#request.dryRun) return hashFiles(options);
    ctx.store.prepare();
    await detachBeforeAdd(ctx, paths, scan.index);
    return ingestFiles({ ...options, links, mode: links.every((link) => link === 'copy') ? 'copy' : 'link' });
  }

  /** `put` has paths as trees have them. */
  async #version(share: Share, put: readonly FileEntry[], scan: HomeScan): Promise<Version> {
    const { dataset } = share.target;
    const store = this.#store;
    const brought = scan.trees.get(dataset.owner);
    const isSwitched = dataset.pointer !== undefined && brought !== dataset.recorded;
    const edited = isSwitched ? withoutTouched(dataset, put, scan) : put;
    if (dataset.single)
      return singleVersion(dataset, { file: edited[0], isGone: share.deleted.length > 0, scan });
    const base = dataset.pointer?.content.type === 'folder' ? dataset.recorded : undefined;
    if (base === undefined) {
      const ref = await this.#newTree(share, put, scan);
      if (ref.files === 0) throw nothingLeft(dataset);
      const changes = { added: ref.files, changed: 0, deleted: 0 };
      return versionOf(dataset, ref, { brought: ref.tree, changes });
    }
    const patch = { put: edited, remove: share.deleted.map((path) => toTreePath(dataset, path)) };
    if (patch.put.length === 0 && patch.remove.length === 0)
      return versionOf(dataset, { ...dataset, tree: base }, { brought, changes: NO_CHANGES });
    const ref = await withName(dataset, patchTree(store, base, patch));
    const here = brought === base ? ref.tree : (await patchTree(store, brought, patch)).tree;
    const diff = await diffTrees(store, base, ref.tree);
    const changes = { added: diff.added.length, changed: diff.changed.length, deleted: diff.deleted.length };
    return versionOf(dataset, ref, { brought: here, changes });
  }

  async #newTree({ target: { dataset }, paths }: Share, put: readonly FileEntry[], scan: HomeScan) {
    const held = this.#heldRows(dataset, scan, paths);
    if (held.length === 0) return writeListing(this.#store, put);
    const rows = held.map((entry) => ({ ...entry, path: toTreePath(dataset, entry.path) }));
    return patchTree(this.#store, undefined, { put: [...rows, ...put], remove: [] });
  }

  /** Files that the index knows as they are, though nothing records them as this dataset's. */
  #heldRows(dataset: Dataset, scan: HomeScan, read: readonly string[]): readonly FileEntry[] {
    if (scan.index.files === 0) return [];
    const others = new Set([...read, ...scan.deleted]);
    return scan.index.listing().filter(({ path }) => !others.has(path) && this.#owner(path) === dataset);
  }

  #finish(dataset: Dataset, { pointer, changes }: Version): void {
    const { content } = pointer;
    const files = content.type === 'file' ? 1 : content.files;
    const isChanged = changes.added + changes.changed + changes.deleted > 0;
    const { dryRun } = this.#request;
    this.#sum.files += files;
    this.#sum.bytes += content.bytes;
    for (const name of ['added', 'changed', 'deleted'] as const) this.#sum[name] += changes[name];
    if (isChanged && !dryRun) {
      for (const file of writePointer(this.#ctx, pointer)) this.#written.add(file);
      if (dataset.pointer === undefined) this.#created.push(dataset.home);
    } else if (!dryRun && ignorePath(this.#ctx.workspace.root, dataset.home)) {
      this.#written.add(ignoreFileOf(dataset.home));
    }
    const verb = !isChanged ? 'unchanged' : dryRun ? 'would record' : 'recorded';
    this.#ctx.emit({ event: 'dataset', verb, path: dataset.home, ...changes, files, bytes: content.bytes });
  }
}

const NO_CHANGES: Version['changes'] = { added: 0, changed: 0, deleted: 0 };

function versionOf(
  dataset: Dataset,
  ref: { readonly tree: Digest; readonly files: number; readonly bytes: number },
  rest: Pick<Version, 'brought' | 'changes'>,
): Version {
  const content = { type: 'folder', tree: ref.tree, files: ref.files, bytes: ref.bytes } as const;
  return { ...rest, pointer: { path: dataset.home, ...originOf(dataset), content } };
}

/** An edit doesn't change where the other files are. */
function originOf({ pointer }: Dataset): Pick<Pointer, 'source' | 'pins'> {
  const { source, pins } = pointer ?? {};
  return { source, ...(pins === undefined ? {} : { pins }) };
}

function singleVersion(
  dataset: Dataset,
  now: { readonly file: FileEntry | undefined; readonly isGone: boolean; readonly scan: HomeScan },
): Version {
  const before = pointerEntry(dataset);
  const file = now.file ?? before ?? now.scan.index.entry(dataset.home);
  if (file === undefined || (now.isGone && now.file === undefined)) throw nothingLeft(dataset);
  const isChanged = before !== undefined && !sameContent(before, file);
  const pointer: Pointer = {
    path: dataset.home,
    ...originOf(dataset),
    content: { type: 'file', digest: file.digest, kind: file.kind, bytes: file.size },
  };
  const changes = { added: before === undefined ? 1 : 0, changed: isChanged ? 1 : 0, deleted: 0 };
  const brought =
    now.file === undefined && before !== undefined ? now.scan.trees.get(dataset.owner) : file.digest;
  return { pointer, changes, brought };
}

/** Of a dataset that is here in another version than the recorded one, files that only were touched are no edits of it. */
function withoutTouched(dataset: Dataset, put: readonly FileEntry[], scan: HomeScan): readonly FileEntry[] {
  return put.filter((entry) => {
    const held = scan.index.entry(toRepoPath(dataset, entry.path));
    return held === undefined || !sameContent(held, entry);
  });
}

/** Entries of a range of columns as the dataset's tree names them; files that went away meanwhile by their repository paths. */
function entriesOf(
  dataset: Dataset,
  columns: FileColumns,
  { start, end }: { readonly start: number; readonly end: number },
): { put: FileEntry[]; vanished: string[] } {
  const put: FileEntry[] = [];
  const vanished: string[] = [];
  for (let index = start; index < end; index++) {
    const path = columns.paths[index] ?? '';
    const kind = kindAt(columns, index);
    if (kind === undefined) vanished.push(path);
    else {
      const size = columns.sizes[index] ?? 0;
      put.push({ path: toTreePath(dataset, path), kind, digest: digestAt(columns, index), size });
    }
  }
  return { put, vanished };
}

function nothingLeft(dataset: Dataset): Error {
  return refused(
    'empty-dataset',
    `${dataset.home} has no files left`,
    `Bring them back: datawf checkout ${dataset.home}; or take the dataset out of this version: datawf remove ${dataset.home}`,
  );
}
