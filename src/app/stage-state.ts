import type { DatumSet } from '../graph/datums.ts';
import { decide } from '../graph/decide.ts';
import type { StageNode } from '../graph/graph.ts';
import { inputHalf } from '../graph/key.ts';
import { parseCaptures } from '../model/captures.ts';
import type { DatumRow } from '../model/datum.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { DatumState } from '../model/outcome.ts';
import { compareBytes } from '../model/repo-path.ts';
import type { Dep } from '../model/stage.ts';
import type { Results } from '../store/results.ts';
import { CodeMatch } from './code-match.ts';
import { expectedPaths, isBad, type DatumPlan } from './datum-plan.ts';
import { depDigest } from './dep-digest.ts';
import { settledView, viewOfRows, type FileView, type WholeDataset } from './out-view.ts';
import type { Dataset } from './project.ts';
import type { Progress, ResolvedInputs, StageOptions } from './stage-options.ts';
import { readRowFiles, readRows, type RowFiles } from './stage-rows.ts';
import type { Store } from '../store/store.ts';

/**
 * The state of one stage while a plan is made and carried out: its rows, its datums, and the files its deps see. The lock's
 * tables and trees are read only when something isn't current.
 */
export class StageState {
  readonly options: StageOptions;
  readonly node: StageNode;
  readonly codes: CodeMatch;
  progress: Progress = 'deferred';
  /** Lines of the table as they stand now; filled when the stage is planned. */
  rows = new Map<string, DatumRow>();
  /** The lock has rows, but what they name isn't in the store. */
  rowsAreLost = false;
  /** Candidates per dep. */
  views: FileView[] = [];
  /** Per dep the one dataset that it takes whole, where it does. */
  wholes: (WholeDataset | undefined)[] = [];
  set: DatumSet | undefined;
  datums: DatumPlan<StageState>[] = [];
  /** Rows whose datum no dep brings into being any more. */
  vanished: DatumRow[] = [];
  /** Vanished ones that went, with the files that they had. */
  readonly dropped: { readonly row: DatumRow; readonly files: readonly FileEntry[] }[] = [];
  /** Further ones that the selection leaves as they are. */
  hasVanishedOutside = false;
  /** Datums without an outcome. */
  open = 0;
  /** Rows or files differ from the lock. */
  changed = false;
  /** Digest per broadcast dep name; undefined until its files are settled. */
  broadcast: Map<number, string | null> | undefined;
  /** Readable form of the broadcast deps, by index, once a datum ran (input-texts.ts). */
  readonly broadcastTexts = new Map<number, string>();
  /** What stops every datum: a broadcast dep that failed. */
  gateBlockedBy: DatumPlan | undefined;
  /** Files that a datum, or nobody (`''`), had when its row was last written to the lock, for those that changed since. */
  readonly touched = new Map<string, readonly FileEntry[]>();
  /** Homes whose .gitignore line was seen to. */
  readonly ignored = new Set<string>();
  #files: RowFiles | undefined;
  #results: Results | undefined;
  #order: readonly number[] | undefined;
  #settledFiles: readonly FileEntry[] | undefined;

  constructor(options: StageOptions) {
    this.options = options;
    this.node = options.node;
    const { node, facts, locked } = options;
    this.codes = new CodeMatch({ stage: node.stage, half: facts.half, locked });
  }

  get id(): string {
    return this.node.stage.id;
  }

  get code(): Digest {
    return this.options.facts.half.digest;
  }

  /** Rows of the lock by datum; none where the trees that the lock names aren't here (a clone without a store to pull from). */
  async loadRows(): Promise<void> {
    const { store, locked } = this.options;
    if (locked === undefined) return;
    const trees = [locked.datums.table, ...[...locked.outs.values()].map((out) => out.tree)];
    for (const tree of trees) this.rowsAreLost ||= !(await store.hasTree(tree));
    if (!this.rowsAreLost) this.rows = await readRows(store, locked);
    await this.codes.noteOuts(store, this.rows.values());
  }

  /** Files of a datum's row as they stand now. */
  async files(): Promise<RowFiles> {
    if (this.#files === undefined) {
      const { files, orphans } = await readRowFiles(this.options.store, this.node.stage, {
        datasets: this.rowsAreLost ? [] : this.options.datasets,
        rows: this.rows,
      });
      this.#files ??= files;
      if (orphans.length > 0) this.touched.set('', orphans);
    }
    return this.#files;
  }

  /** What `files` answered; none where nobody asked, so that no datum has an outcome yet. */
  get filesNow(): ReadonlyMap<string, readonly FileEntry[]> {
    return this.#files ?? NO_FILES;
  }

  /** What the run cache holds for this stage's code. */
  async results(open: (store: Store, code: Digest) => Promise<Results>): Promise<Results> {
    this.#results ??= await open(this.options.store, this.code);
    return this.#results;
  }

  /** Nothing of the stage waits or differs from the lock: its trees are those of the lock. */
  get isAsLocked(): boolean {
    return (
      this.progress === 'unchanged' ||
      this.progress === 'outside' ||
      (!this.changed && this.open === 0 && this.vanished.length === 0 && this.progress !== 'deferred')
    );
  }

  /** Whether a datum without an outcome writes files whose paths aren't known yet. */
  get hasUnknownPaths(): boolean {
    if (this.open === 0) return false;
    return this.node.stage.outs.some((out) => out.pattern.shape === 'directory' || out.optional);
  }

  /** The stage's files as deps see them now. */
  async view(readTree: (dataset: Dataset) => Promise<readonly FileEntry[]>): Promise<FileView> {
    const failedInLock = this.progress === 'outside' && (this.options.locked?.datums.failed ?? 0) > 0;
    if (this.isAsLocked && !failedInLock && !this.datums.some(isBad)) {
      if (this.#settledFiles === undefined) {
        const parts = await Promise.all(this.options.datasets.map(readTree));
        this.#settledFiles = parts.flat();
      }
      return settledView(this.#settledFiles, 'store');
    }
    return await this.#mixedView();
  }

  async #mixedView(): Promise<FileView> {
    const files = await this.files();
    const rows: Parameters<typeof viewOfRows>[0] = [];
    const done = new Set(this.vanished.map((row) => row.captures));
    for (const datum of this.datums) {
      done.add(datum.id);
      const origin = datum.phase !== 'done' || isBad(datum) ? datum : undefined;
      const last = files.get(datum.id) ?? [];
      if (origin === undefined) {
        for (const entry of last) rows.push({ path: entry.path, entry, origin, source: 'store' });
        continue;
      }
      const expected = new Set([
        ...expectedPaths(this.node.stage, datum),
        ...last.map((entry) => entry.path),
      ]);
      for (const path of expected) rows.push({ path, entry: undefined, origin, source: 'store' });
    }
    for (const row of this.rows.values()) {
      if (done.has(row.captures)) continue;
      for (const entry of files.get(row.captures) ?? []) {
        rows.push({ path: entry.path, entry, origin: undefined, source: 'store' });
      }
    }
    return viewOfRows(rows);
  }

  /** The files of a datum whose upstream datums are done. */
  resolve(datum: DatumPlan): ResolvedInputs {
    const { deps } = this.node.stage;
    let blockedBy = this.gateBlockedBy;
    let lacks = false;
    const files = deps.map((dep, index) => {
      const indexes = datum.spec.files[index];
      if (indexes === undefined) return undefined;
      const seen = this.filesAt(index, indexes);
      for (const at of indexes) {
        const origin = this.views[index]?.origins[at];
        if (origin !== undefined && isBad(origin)) blockedBy ??= origin;
      }
      if (!dep.optional) lacks ||= this.#lacks(index, { seen: seen.length, named: indexes.length });
      return seen;
    });
    return { files, blockedBy, lacks };
  }

  /** Whether what is left of a required dep's files is too little: none, or not all where a window or the matrix names them. */
  #lacks(dep: number, { seen, named }: { readonly seen: number; readonly named: number }): boolean {
    if (seen === 0) return true;
    const { stage } = this.node;
    return seen < named && (stage.deps[dep]?.window !== undefined || stage.matrix.size > 0);
  }

  /** Settled files of a dep by the indexes of its view. */
  filesAt(dep: number, indexes: readonly number[]): FileEntry[] {
    const view = this.views[dep];
    const files: FileEntry[] = [];
    if (view === undefined) return files;
    for (const index of indexes) {
      const origin = view.origins[index];
      const entry = origin === undefined ? view.entries[index] : madeBy(origin, view.paths[index]);
      if (entry !== undefined) files.push(entry);
    }
    return files;
  }

  /** Whether the time filter lets a row in. */
  selectsRow(row: DatumRow): boolean {
    return this.options.selects(rowCaptures(row), row);
  }

  /** The rows with their captures. */
  namedRows(): {
    readonly id: string;
    readonly captures: ReadonlyMap<string, string>;
    readonly row: DatumRow;
  }[] {
    return [...this.rows.values()].map((row) => ({ id: row.captures, captures: rowCaptures(row), row }));
  }

  /** A datum that stands for a row which the lock marks failed, of a stage that isn't run. */
  failedDatum(row: DatumRow): DatumPlan<StageState> {
    return {
      stage: this,
      index: -1,
      id: row.captures,
      spec: { id: row.captures, captures: rowCaptures(row), files: [] },
      phase: 'done',
      outcome: 'failed',
      waitsFor: 0,
      planned: false,
      reason: undefined,
      input: undefined,
      row,
    };
  }

  /** The input half of a datum's key. */
  inputDigest(datum: DatumPlan, inputs: ResolvedInputs): Digest {
    const { deps } = this.node.stage;
    return inputHalf(
      datum.spec.captures,
      this.#sortedDeps().map((index) => {
        const dep = deps[index] as Dep;
        const files = inputs.files[index];
        const digest =
          files === undefined ? (this.broadcast?.get(index) ?? null) : depDigest(dep.pattern, files);
        return [dep.name, digest];
      }),
    );
  }

  /** Indexes of the deps by the bytes of their names. */
  #sortedDeps(): readonly number[] {
    const { deps } = this.node.stage;
    this.#order ??= deps
      .map((_, index) => index)
      .sort((a, b) => compareBytes(deps[a]?.name ?? '', deps[b]?.name ?? ''));
    return this.#order;
  }

  /** Whether a datum needs work now that its input half is known. */
  decide(datum: DatumPlan, input: Digest): ReturnType<typeof decide> {
    const { stage } = this.node;
    return decide({
      row: datum.row,
      input,
      sameCode: this.options.renew
        ? this.codes.isEqual(datum.row?.code)
        : this.codes.isCurrent(datum.row?.code),
      force: this.options.force,
      always: stage.always && this.options.runAlways,
    });
  }

  /** Writes a datum's outcome into rows and files. */
  async settle(
    datum: DatumPlan,
    end: {
      readonly outcome: DatumState | 'gone';
      readonly row?: DatumRow;
      readonly outs?: readonly FileEntry[];
    },
  ): Promise<void> {
    if (datum.phase === 'done') return;
    datum.phase = 'done';
    datum.outcome = end.outcome;
    this.open -= 1;
    if (end.row !== undefined) {
      const files = await this.files();
      if (end.outs !== undefined) {
        if (!this.touched.has(datum.id)) this.touched.set(datum.id, files.get(datum.id) ?? []);
        files.set(datum.id, end.outs);
      }
      this.rows.set(datum.id, end.row);
      this.changed = true;
    } else if (end.outcome === 'gone' && this.rows.has(datum.id)) {
      this.vanished.push(this.rows.get(datum.id) as DatumRow);
    }
  }

  /** Takes vanished rows out of rows and files, once nothing speaks against it. */
  async dropVanished(): Promise<void> {
    if (this.vanished.length === 0) return;
    const files = await this.files();
    for (const row of this.vanished) {
      this.dropped.push({ row, files: files.get(row.captures) ?? [] });
      if (!this.touched.has(row.captures)) this.touched.set(row.captures, files.get(row.captures) ?? []);
      this.rows.delete(row.captures);
      files.delete(row.captures);
    }
    this.vanished = [];
    this.changed = true;
  }
}

const NO_FILES: ReadonlyMap<string, readonly FileEntry[]> = new Map();

/** The file of a settled datum upstream, undefined where it doesn't make it. */
function madeBy(origin: DatumPlan, path: string | undefined): FileEntry | undefined {
  return origin.stage.filesNow.get(origin.id)?.find((file) => file.path === path);
}

/** Captures of a row's name; none where the name is damaged. */
function rowCaptures(row: DatumRow): ReadonlyMap<string, string> {
  return parseCaptures(row.captures) ?? new Map();
}
