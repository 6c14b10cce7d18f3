import { deriveDatums, type DatumSpec } from '../graph/datums.ts';
import type { StageNode } from '../graph/graph.ts';
import type { DatumRow } from '../model/datum.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { DatumState } from '../model/outcome.ts';
import { canMeet } from '../model/pattern.ts';
import { isWithin } from '../model/repo-path.ts';
import type { ResultRecord } from '../model/result.ts';
import { openResults } from '../store/results.ts';
import { isBad, type DatumPlan } from './datum-plan.ts';
import { depDigest } from './dep-digest.ts';
import { memoKey, type Recorded } from './memo-key.ts';
import { mergeViews, settledView, strayView, type FileView, type WholeDataset } from './out-view.ts';
import type { PlanMemo } from './plan-memo.ts';
import type { AppContext } from './ports.ts';
import type { Dataset } from './project.ts';
import type { Sources } from './sources.ts';
import { recordedListing } from './records.ts';
import type { StageState } from './stage-state.ts';

/** How a datum's inputs led to its outcome; what a run records. */
export interface Settled {
  readonly datum: DatumPlan<StageState>;
  readonly outcome: DatumState | 'gone';
  readonly row?: DatumRow;
  readonly outs?: readonly FileEntry[];
}

export interface PlannerOptions {
  readonly ctx: AppContext;
  readonly sources: Sources;
  readonly memo: PlanMemo;
  /** In the order of the graph. */
  readonly states: readonly StageState[];
  /** Called for every datum that gets its outcome, also while planning. */
  readonly onSettled?: (settled: Settled) => void;
  /** Called when a stage's datums are known, before any of them is decided. */
  readonly onPlanned?: (state: StageState) => Promise<void>;
  /** Called when all datums of a stage have their outcome, before a stage behind it goes on. */
  readonly onStage?: (state: StageState) => Promise<void>;
}

/**
 * Finds out what each stage has to do, as far as that can be known, and goes on as datums settle: a datum is decided as
 * soon as everything it sees is. `repro`, `status`, `why` and dry runs all plan by this one path.
 */
export class Planner {
  /** Datums that can run now, in the order they became ready. */
  readonly ready: DatumPlan<StageState>[] = [];
  readonly options: PlannerOptions;
  readonly #byNode: ReadonlyMap<StageNode, StageState>;
  readonly #waiters = new Map<DatumPlan, DatumPlan<StageState>[]>();
  readonly #gates = new Map<DatumPlan, StageState[]>();
  readonly #gateCounts = new Map<StageState, number>();
  readonly #undecided: DatumPlan<StageState>[] = [];
  readonly #treeFiles = new Map<string, Promise<readonly FileEntry[]>>();
  /** Settling is one after the other: what runs side by side ends in any order. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: PlannerOptions) {
    this.options = options;
    this.#byNode = new Map(options.states.map((state) => [state.node, state]));
  }

  /** Plans every stage as far as possible, each when its upstream is decided: only what waits for work counts as planned. */
  async start(): Promise<void> {
    for (const state of this.options.states) {
      await this.#tryPlan(state);
      await this.#work();
    }
  }

  /** Takes the outcome of a datum that ran, and decides what that makes decidable. */
  settle(settled: Settled): Promise<void> {
    const turn = this.#turn.then(async () => {
      await this.#settleOne(settled);
      await this.#work();
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** The states that a state's deps take files from. */
  upstream(state: StageState): StageState[] {
    return [...state.node.upstream].flatMap((node) => this.#byNode.get(node) ?? []);
  }

  /** What the finding that a stage is current rests on; `recorded` gives the versions to assume. */
  memoKeyOf(state: StageState, recorded?: Recorded): Promise<string> {
    const { sources, ctx } = this.options;
    return memoKey({
      state,
      sources,
      upstream: this.upstream(state),
      now: ctx.around.now(),
      recorded: recorded ?? asLocked(state),
    });
  }

  /** All files of a dataset as the lock has it, by repository path; read once. */
  readonly readTree = (dataset: Dataset): Promise<readonly FileEntry[]> => {
    let files = this.#treeFiles.get(dataset.owner);
    if (files === undefined) {
      files = recordedListing(this.options.ctx.store, dataset);
      this.#treeFiles.set(dataset.owner, files);
    }
    return files;
  };

  async #tryPlan(state: StageState): Promise<void> {
    if (state.progress !== 'deferred') return;
    if (!state.options.inScope || state.node.stage.frozen) {
      state.progress = 'outside';
      if ((state.options.locked?.datums.failed ?? 0) > 0) await markFailed(state);
      return;
    }
    const upstream = this.upstream(state);
    if (upstream.some((other) => other.progress === 'deferred' || this.#hides(other, state))) return;
    await this.#plan(state);
  }

  /** Whether a stage will write files that the other may see and whose paths aren't known yet. */
  #hides(upstream: StageState, state: StageState): boolean {
    if (!upstream.hasUnknownPaths) return false;
    const open = upstream.node.stage.outs.filter((out) => out.pattern.shape === 'directory' || out.optional);
    return state.node.stage.deps.some((dep) => open.some((out) => canMeet(dep.pattern, out.pattern)));
  }

  async #plan(state: StageState): Promise<void> {
    if (await this.#isUnchanged(state)) {
      state.progress = 'unchanged';
      return;
    }
    state.progress = 'planned';
    await state.loadRows();
    const { stage } = state.node;
    const wholes = await Promise.all(stage.deps.map((_, index) => wholeDataset(this, state, index)));
    state.wholes = wholes;
    state.views = await Promise.all(
      stage.deps.map((dep, index) =>
        wholes[index] === undefined
          ? this.#viewOf(state, index)
          : wholeView(dep.pattern.home, wholes[index].files),
      ),
    );
    const { now } = this.options.ctx.around;
    state.set = deriveDatums(
      stage,
      state.views.map((view) => view.paths),
      { now: now(), zone: state.options.zone },
    );
    this.#openGate(state);
    const waiting = new Set(state.set.waiting.map((datum) => datum.id));
    const named = new Set<string>();
    for (const spec of state.set.datums) {
      named.add(spec.id);
      this.#addDatum(state, spec);
    }
    for (const [id, row] of state.rows) {
      if (named.has(id) || waiting.has(id)) continue;
      if (state.selectsRow(row)) state.vanished.push(row);
      else state.hasVanishedOutside = true;
    }
    await this.options.onPlanned?.(state);
    if (state.open === 0) await this.#finish(state);
  }

  async #isUnchanged(state: StageState): Promise<boolean> {
    const { locked, force } = state.options;
    const { always } = state.node.stage;
    if (locked === undefined || locked.datums.failed > 0 || force || (always && state.options.runAlways))
      return false;
    if (state.options.checkObjects || this.upstream(state).some((other) => !other.isAsLocked)) return false;
    const found = this.options.memo.get(state.id);
    return found !== undefined && found.key === (await this.memoKeyOf(state));
  }

  async #viewOf(state: StageState, index: number): Promise<FileView> {
    const dep = state.node.stage.deps[index];
    if (dep === undefined) return settledView([], 'store');
    const makers = new Set(state.node.producers[index]?.map((producer) => producer.node));
    const views: FileView[] = [];
    for (const node of makers) {
      const maker = this.#byNode.get(node);
      if (maker !== undefined) views.push(await maker.view(this.readTree));
    }
    for (const added of this.options.sources.added(dep))
      views.push(settledView(await added.listingNow(), 'store'));
    views.push(settledView(this.options.sources.plain(dep), 'workspace'));
    views.push(strayView(this.options.sources.strays(dep)));
    return below(mergeViews(views), dep.pattern.home);
  }

  /** Counts the unsettled datums that write into broadcast deps; without any, their digests are taken at once. */
  #openGate(state: StageState): void {
    const blockers = new Set<DatumPlan>();
    for (const [dep, indexes] of state.set?.broadcast ?? []) {
      for (const index of indexes) {
        const origin = state.views[dep]?.origins[index];
        if (origin === undefined) continue;
        if (isBad(origin)) state.gateBlockedBy ??= origin;
        if (origin.phase !== 'done') blockers.add(origin);
      }
    }
    this.#gateCounts.set(state, blockers.size);
    for (const blocker of blockers) pushTo(this.#gates, blocker, state);
  }

  #addDatum(state: StageState, spec: DatumSpec): void {
    const datum: DatumPlan<StageState> = {
      stage: state,
      index: state.datums.length,
      id: spec.id,
      spec,
      phase: 'pending',
      outcome: undefined,
      waitsFor: (this.#gateCounts.get(state) ?? 0) > 0 ? 1 : 0,
      planned: false,
      reason: undefined,
      input: undefined,
      row: state.rows.get(spec.id),
    };
    state.datums.push(datum);
    state.open += 1;
    if (!state.options.selects(spec.captures, datum.row)) {
      state.open -= 1;
      datum.phase = 'done';
      datum.outcome = 'skipped';
      return;
    }
    const origins = new Set<DatumPlan>();
    spec.files.forEach((indexes, dep) => {
      for (const index of indexes ?? []) {
        const origin = state.views[dep]?.origins[index];
        if (origin !== undefined && origin.phase !== 'done') origins.add(origin);
      }
    });
    datum.waitsFor += origins.size;
    for (const origin of origins) pushTo(this.#waiters, origin, datum);
    if (datum.waitsFor === 0) this.#undecided.push(datum);
    else {
      datum.planned = true;
      datum.reason = 'upstream';
    }
  }

  /** Decides datums until nothing more can be decided, those named first first. */
  async #work(): Promise<void> {
    while (this.#undecided.length > 0) {
      const batch = this.#undecided.splice(0).reverse();
      for (let datum = batch.pop(); datum !== undefined; datum = batch.pop()) await this.#decide(datum);
    }
  }

  async #decide(datum: DatumPlan<StageState>): Promise<void> {
    const state = datum.stage;
    if (state.broadcast === undefined) await takeBroadcast(state);
    const inputs = state.resolve(datum);
    if (inputs.blockedBy !== undefined) {
      datum.planned = true;
      await this.#settleOne({ datum, outcome: 'blocked' });
      return;
    }
    if (inputs.lacks) {
      await this.#settleOne({ datum, outcome: state.node.stage.matrix.size > 0 ? 'waiting' : 'gone' });
      return;
    }
    const input = state.inputDigest(datum, inputs);
    datum.input = input;
    const decision = state.decide(datum, input);
    if (!decision.work && !(await this.#isLost(datum))) {
      await this.#settleOne({ datum, outcome: datum.planned ? 'identical' : 'skipped' });
      return;
    }
    datum.planned = true;
    datum.reason = decision.work && !state.rowsAreLost ? decision.reason : 'output-missing';
    const found = await this.#lookUp(datum, input);
    if (found !== undefined) {
      const row = { state: 'ok', input, code: state.code, result: found.result, captures: datum.id } as const;
      await this.#settleOne({ datum, outcome: 'cached', row, outs: found.outs });
      return;
    }
    datum.phase = 'ready';
    this.ready.push(datum);
  }

  /** Whether an object of a current datum is neither here nor in the workspace. */
  async #isLost(datum: DatumPlan<StageState>): Promise<boolean> {
    if (!datum.stage.options.checkObjects) return false;
    const files = (await datum.stage.files()).get(datum.id) ?? [];
    return files.some((entry) => !this.options.ctx.store.hasObjectSync(entry.digest));
  }

  async #lookUp(
    datum: DatumPlan<StageState>,
    input: Digest,
  ): Promise<Pick<ResultRecord, 'result' | 'outs'> | undefined> {
    const state = datum.stage;
    const { stage } = state.node;
    if (
      !state.options.runCache ||
      stage.sandbox === 'none' ||
      datum.reason === 'forced' ||
      datum.reason === 'always'
    )
      return undefined;
    const found = (await state.results(openResults)).find(
      input,
      datum.row?.input === input ? datum.row.result : undefined,
    );
    if (found === undefined || !found.made.sandbox) return undefined;
    return found.outs.every((entry) => this.options.ctx.store.hasObjectSync(entry.digest))
      ? found
      : undefined;
  }

  async #settleOne(settled: Settled): Promise<void> {
    const { datum } = settled;
    const state = datum.stage;
    await state.settle(datum, settled);
    this.options.onSettled?.(settled);
    for (const waiter of this.#waiters.get(datum) ?? []) this.#release(waiter);
    this.#waiters.delete(datum);
    for (const gated of this.#gates.get(datum) ?? []) {
      if (isBad(datum)) gated.gateBlockedBy ??= datum;
      const left = (this.#gateCounts.get(gated) ?? 1) - 1;
      this.#gateCounts.set(gated, left);
      if (left === 0) for (const waiter of gated.datums) this.#release(waiter);
    }
    this.#gates.delete(datum);
    if (state.open === 0) await this.#finish(state);
  }

  #release(datum: DatumPlan<StageState>): void {
    if (datum.phase !== 'pending') return;
    datum.waitsFor -= 1;
    if (datum.waitsFor === 0) this.#undecided.push(datum);
  }

  async #finish(state: StageState): Promise<void> {
    if (state.progress !== 'planned') return;
    state.progress = 'settled';
    await this.options.onStage?.(state);
    for (const node of state.node.downstream) {
      const next = this.#byNode.get(node);
      if (next !== undefined) await this.#tryPlan(next);
    }
  }
}

function asLocked(state: StageState): Recorded {
  return { tree: (dataset) => dataset.recorded, table: state.options.locked?.datums.table };
}

/** Rows that the lock marks failed block what sees their files also where their stage isn't part of the run. */
async function markFailed(state: StageState): Promise<void> {
  await state.loadRows();
  for (const row of state.rows.values()) {
    if (row.state === 'failed') state.datums.push(state.failedDatum(row));
  }
}

/** Digests of the broadcast deps, whose files are settled now. */
async function takeBroadcast(state: StageState): Promise<void> {
  const digests = new Map<number, string | null>();
  for (const [dep, indexes] of state.set?.broadcast ?? []) {
    const pattern = state.node.stage.deps[dep]?.pattern;
    if (pattern === undefined) continue;
    const whole = state.wholes[dep];
    digests.set(dep, whole === undefined ? depDigest(pattern, state.filesAt(dep, indexes)) : whole.tree);
  }
  state.broadcast = digests;
}

async function wholeDataset(
  planner: Planner,
  state: StageState,
  index: number,
): Promise<WholeDataset | undefined> {
  const dep = state.node.stage.deps[index];
  if (dep === undefined || dep.window !== undefined) return undefined;
  if (dep.pattern.source !== `${dep.pattern.home}/` || planner.options.sources.plain(dep).length > 0)
    return undefined;
  const makers = planner
    .upstream(state)
    .filter((other) => state.node.producers[index]?.some((producer) => producer.node === other.node));
  const added = planner.options.sources.added(dep);
  const [maker] = makers;
  if (makers.length + added.length !== 1) return undefined;
  if (maker !== undefined) {
    if (!maker.isAsLocked || maker.datums.some(isBad)) return undefined;
    const near = maker.options.datasets.filter(
      (dataset) => isWithin(dataset.home, dep.pattern.home) || isWithin(dep.pattern.home, dataset.home),
    );
    const [only] = near;
    if (near.length !== 1 || only?.recorded === undefined || only.home !== dep.pattern.home || only.single)
      return undefined;
    return { tree: only.recorded, files: only.files, load: () => planner.readTree(only) };
  }
  const [set] = added;
  if (set === undefined || set.dataset.home !== dep.pattern.home || set.dataset.single) return undefined;
  const tree = await set.treeNow();
  if (tree === undefined) return undefined;
  const files = set.dataset.files + set.added.length - set.deleted.length;
  return { tree, files, load: () => set.listingNow() };
}

/** Stands in for the files of a whole dataset: one path below it. */
function wholeView(home: string, files: number): FileView {
  if (files === 0) return settledView([], 'store');
  return { paths: [`${home}/-`], entries: [undefined], origins: [undefined], sources: ['store'] };
}

function below(view: FileView, home: string): FileView {
  if (view.paths.every((path) => isWithin(path, home))) return view;
  const keep = view.paths.flatMap((path, index) => (isWithin(path, home) ? [index] : []));
  return {
    paths: keep.map((index) => view.paths[index] ?? ''),
    entries: keep.map((index) => view.entries[index]),
    origins: keep.map((index) => view.origins[index]),
    sources: keep.map((index) => view.sources[index] ?? 'store'),
  };
}

function pushTo<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
