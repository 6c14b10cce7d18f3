import { deriveDatums, type DatumSpec } from '../graph/datums.ts';
import type { StageNode } from '../graph/graph.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { Dep } from '../model/stage.ts';
import { pushTo } from '../util/multimap.ts';
import { isBad, type DatumPlan } from './datum-plan.ts';
import { asLocked, memoKey, type Recorded } from './memo-key.ts';
import { mergeViews, settledView, strayView, viewBelow, wholeView, type FileView } from './out-view.ts';
import type { Dataset } from './project.ts';
import type { PlannerOptions, Settled } from './planner-options.ts';
import { recordedListing } from './records.ts';
import { storedInputs } from './stored-inputs.ts';
import type { StageState } from './stage-state.ts';
import type { Found } from './supply.ts';
import { hiddenFailure, hidesPaths, markFailed, takeBroadcast } from './upstream-facts.ts';
import { wholeDataset } from './whole-dataset.ts';

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
  readonly #away: { readonly datum: DatumPlan<StageState>; readonly found: Found }[] = [];
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
    if (upstream.some((other) => other.progress === 'deferred' || hidesPaths(other, state))) return;
    await this.#plan(state);
  }

  async #plan(state: StageState): Promise<void> {
    if (await this.#isUnchanged(state)) {
      state.progress = 'unchanged';
      return;
    }
    state.progress = 'planned';
    await state.loadRows();
    const { stage } = state.node;
    for (const [index, dep] of stage.deps.entries()) {
      const makers = this.#makers(state, index);
      const { sources } = this.options;
      const whole = await wholeDataset({ dep, makers, sources, readTree: this.readTree });
      state.wholes.push(whole);
      state.views.push(
        whole === undefined ? await this.#viewOf(dep, makers) : wholeView(dep.pattern.home, whole.files),
      );
      state.gateBlockedBy ??= hiddenFailure(dep, makers);
    }
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
    if (
      state.options.checkObjects ||
      this.upstream(state).some((other) => !other.isAsLocked || other.datums.some(isBad))
    )
      return false;
    const found = this.options.memo.get(state.id);
    if (state.options.renew && found?.report.codeVersions !== undefined) return false;
    return found !== undefined && found.key === (await this.memoKeyOf(state));
  }

  /** Stages that write into a dep. */
  #makers(state: StageState, index: number): StageState[] {
    const nodes = new Set(state.node.producers[index]?.map((producer) => producer.node));
    return [...nodes].flatMap((node) => this.#byNode.get(node) ?? []);
  }

  async #viewOf(dep: Dep, makers: readonly StageState[]): Promise<FileView> {
    const { sources } = this.options;
    const views: FileView[] = [];
    for (const maker of makers) views.push(await maker.view(this.readTree));
    for (const added of sources.added(dep)) views.push(settledView(await added.listingNow(), 'store'));
    views.push(settledView(sources.plain(dep), 'workspace'), strayView(sources.strays(dep)));
    return viewBelow(mergeViews(views), dep.pattern.home);
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
      if (this.#away.length > 0) await this.#restoreAway();
    }
  }

  async #decide(datum: DatumPlan<StageState>): Promise<void> {
    const state = datum.stage;
    if (state.broadcast === undefined) takeBroadcast(state);
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
    const { supply } = this.options;
    if (!decision.work && !(await supply.isLost(datum))) {
      await this.#settleOne({ datum, outcome: datum.planned ? 'identical' : 'skipped' });
      return;
    }
    datum.planned = true;
    datum.reason = decision.work && !state.rowsAreLost ? decision.reason : 'output-missing';
    const found = await supply.find(datum, input);
    if (found === undefined) await this.#makeReady(datum);
    else if (found.here) await this.#restore(datum, found);
    else this.#away.push({ datum, found });
  }

  /** Takes results whose files have to come from elsewhere, all at once; a datum whose files don't come runs. */
  async #restoreAway(): Promise<void> {
    const { supply } = this.options;
    const all = this.#away.splice(0);
    await supply.fetch(all.flatMap(({ found }) => found.outs));
    for (const { datum, found } of all) {
      const isLost = found.outs.some(({ digest }) => supply.lost.has(digest));
      await (isLost ? this.#makeReady(datum) : this.#restore(datum, found));
    }
  }

  async #restore(datum: DatumPlan<StageState>, { result, outs }: Found): Promise<void> {
    const row = {
      state: 'ok',
      input: datum.input,
      code: datum.stage.code,
      result,
      captures: datum.id,
    } as const;
    await this.#settleOne({ datum, outcome: 'cached', row, outs });
  }

  async #makeReady(datum: DatumPlan<StageState>): Promise<void> {
    if (this.options.notYet?.asked(datum) !== undefined && datum.reason !== 'always') {
      datum.planned = false;
      datum.reason = undefined;
      await this.#settleOne({ datum, outcome: 'waiting' });
      return;
    }
    const { supply } = this.options;
    if (
      supply.options.allowMissing &&
      !(await storedInputs(datum, 'file')).every((entry) => supply.isHere(entry))
    ) {
      await this.#settleOne({ datum, outcome: 'waiting' });
      return;
    }
    datum.phase = 'ready';
    this.ready.push(datum);
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
