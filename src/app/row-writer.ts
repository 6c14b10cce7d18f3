import { formatRow } from '../formats/datum-table.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry, TreeRef } from '../model/file-entry.ts';
import type { LockStage } from '../model/lock.ts';
import { compareBytes, isWithin, type RepoPath } from '../model/repo-path.ts';
import type { Store } from '../store/store.ts';
import { writeTable } from '../store/tables.ts';
import { patchTree, writeListing } from '../store/trees.ts';
import { depListing } from './dep-digest.ts';
import { toTreePath, type Dataset } from './project.ts';
import type { StageState } from './stage-state.ts';

/** What changed in the files of a stage since its rows were last written. */
export interface FilePatch {
  /** Repository paths. */
  readonly put: readonly FileEntry[];
  readonly remove: readonly string[];
}

/** A stage's entry in the lock with what it takes to bring the workspace there. */
export interface StageWrite {
  readonly entry: LockStage;
  readonly patch: FilePatch;
  /** By dataset owner. */
  readonly trees: ReadonlyMap<string, TreeRef>;
}

/**
 * Writes a stage's table and trees as its rows stand now and gives its lock entry: a pure function of the rows, so that
 * equal rows give equal bytes however they came about. Cost: the table whole, of the trees the nodes that changed.
 */
export async function writeStage(
  store: Store,
  state: StageState,
  trees: ReadonlyMap<string, TreeRef>,
): Promise<StageWrite> {
  const rows = [...state.rows.values()].sort((a, b) => compareBytes(a.captures, b.captures));
  const { table, count } = await writeTable(store, rows.map(formatRow));
  const failed = rows.reduce((sum, row) => sum + (row.state === 'failed' ? 1 : 0), 0);
  const patch = filePatch(state, await state.files());
  state.touched.clear();
  const outs = new Map<RepoPath, TreeRef>();
  const written = new Map<string, TreeRef>();
  for (const dataset of state.options.datasets) {
    const ref = await patchDataset(store, dataset, {
      state,
      patch,
      before: trees.get(dataset.owner)?.tree ?? (state.rowsAreLost ? undefined : dataset.recorded),
    });
    written.set(dataset.owner, ref);
    if (ref.files > 0 || isDeclared(state, dataset)) outs.set(dataset.home, ref);
  }
  const inputs = isCurrent(state) ? await inputTrees(store, state) : undefined;
  const entry: LockStage = {
    code: state.code,
    inputs,
    datums: { table, count, failed },
    outs,
    accepted: state.options.locked?.accepted ?? new Map(),
  };
  return { entry, patch, trees: written };
}

function filePatch(state: StageState, files: ReadonlyMap<string, readonly FileEntry[]>): FilePatch {
  const put: FileEntry[] = [];
  const remove = new Set<string>();
  for (const before of state.touched.values()) for (const file of before) remove.add(file.path);
  for (const id of state.touched.keys()) {
    for (const file of files.get(id) ?? []) {
      put.push(file);
      remove.delete(file.path);
    }
  }
  return { put, remove: [...remove].filter((path) => !isTaken(state, files, path)) };
}

/** A file that an untouched row of an older definition shares can't be told apart by the touched ones alone. */
function isTaken(state: StageState, files: ReadonlyMap<string, readonly FileEntry[]>, path: string): boolean {
  if (!state.touched.has('')) return false;
  for (const own of files.values()) if (own.some((file) => file.path === path)) return true;
  return false;
}

interface DatasetPatch {
  readonly state: StageState;
  readonly patch: FilePatch;
  readonly before: Digest | undefined;
}

async function patchDataset(
  store: Store,
  dataset: Dataset,
  { state, patch, before }: DatasetPatch,
): Promise<TreeRef> {
  const isOwn = (path: string): boolean => ownHome(state, path) === dataset;
  return await patchTree(store, before, {
    put: patch.put
      .filter((file) => isOwn(file.path))
      .map((file) => ({ ...file, path: toTreePath(dataset, file.path) })),
    remove: patch.remove.filter(isOwn).map((path) => toTreePath(dataset, path)),
  });
}

/** The dataset of a stage that a path belongs to: the one with the deepest home. */
function ownHome(state: StageState, path: string): Dataset | undefined {
  let best: Dataset | undefined;
  for (const dataset of state.options.datasets) {
    if (isWithin(path, dataset.home) && (best === undefined || dataset.home.length > best.home.length))
      best = dataset;
  }
  return best;
}

function isDeclared(state: StageState, dataset: Dataset): boolean {
  return state.node.stage.outs.some((out) => out.pattern.home === dataset.home);
}

/** Every datum has a good row for what it sees now. */
export function isCurrent(state: StageState): boolean {
  if (state.progress !== 'settled' || state.vanished.length > 0 || state.hasVanishedOutside) return false;
  if (state.set?.waiting.some(({ id }) => state.rows.has(id)) === true) return false;
  return state.datums.every((datum) => {
    const row = state.rows.get(datum.id);
    if (row === undefined) return datum.outcome === 'gone' || datum.outcome === 'waiting';
    return row.state === 'ok' && row.input === datum.input && state.codes.isCurrent(row.code);
  });
}

/** The stage's lock entry would differ from the one there is. */
export function needsWrite(state: StageState): boolean {
  if (state.progress !== 'settled' && state.progress !== 'planned') return false;
  const { locked } = state.options;
  if (state.changed || locked === undefined || locked.code !== state.code)
    return state.progress === 'settled' || state.changed;
  return isCurrent(state) ? locked.inputs === undefined : locked.inputs !== undefined && lacksInputs(state);
}

/** A datum that keeps its row waits for files that are gone again. */
function lacksInputs({ progress, set, rows, datums }: StageState): boolean {
  if (progress !== 'settled' || set === undefined) return false;
  const waits = datums.filter(({ outcome, input }) => outcome === 'waiting' && input === undefined);
  return [...set.waiting, ...waits].some(({ id }) => rows.has(id));
}

/** Per dep the tree of the files that datums used. */
async function inputTrees(store: Store, state: StageState): Promise<Map<string, Digest>> {
  const inputs = new Map<string, Digest>();
  for (const [index, dep] of state.node.stage.deps.entries()) {
    const whole = state.wholes[index];
    if (whole !== undefined) {
      inputs.set(dep.name, whole.tree);
      continue;
    }
    const files = state.filesAt(index, usedIndexes(state, index));
    inputs.set(dep.name, (await writeListing(store, depListing(dep.pattern, files))).tree);
  }
  return inputs;
}

function usedIndexes(state: StageState, dep: number): readonly number[] {
  const used = new Set<number>(state.set?.broadcast.get(dep) ?? []);
  for (const datum of state.datums) {
    if (datum.outcome === 'gone') continue;
    for (const index of datum.spec.files[dep] ?? []) used.add(index);
  }
  return [...used].sort((a, b) => a - b);
}
