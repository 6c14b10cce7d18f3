import { capturesText } from '../model/captures.ts';
import { matchPath } from '../model/pattern.ts';
import { notFound } from '../model/problem.ts';
import type { KeyDifference, WhyDatum, WhyReport } from '../model/report.ts';
import { isWithin } from '../model/repo-path.ts';
import { assess, type Assessment } from './assess.ts';
import type { DatumPlan } from './datum-plan.ts';
import { inputDifferences, type DepDifference } from './input-diff.ts';
import { codeDifferences } from './key-diff.ts';
import type { AppContext } from './ports.ts';
import { stageReport } from './stage-report.ts';
import type { StageState } from './stage-state.ts';
import { currentReason, describe, sentenceOf } from './why-words.ts';

const SHOWN = 20;

/** Why a stage or the file that it makes would run, or why it wouldn't: its key against the recorded one, field by field. */
export async function why(ctx: AppContext, request: { readonly target: string }): Promise<WhyReport> {
  const assessment = await assess(ctx, { targets: [request.target], runAlways: true, tellsNotYet: true });
  const [path] = assessment.selection.paths;
  const named = assessment.states.filter((state) => assessment.selection.stages.has(state.node));
  const state = path === undefined ? named[0] : (named.find((one) => makes(one, path)) ?? named[0]);
  if (state === undefined) return whyAdded(assessment, request.target, path ?? request.target);
  return await whyStage(ctx, assessment, { state, target: request.target, path });
}

interface Asked {
  readonly state: StageState;
  readonly target: string;
  readonly path: string | undefined;
}

async function whyStage(
  ctx: AppContext,
  { memo }: Assessment,
  { state, target, path }: Asked,
): Promise<WhyReport> {
  if (state.progress === 'unchanged') await state.loadRows();
  const id = path === undefined ? undefined : datumOf(state, path);
  const report = await stageReport(ctx, state, memo);
  const differences = await stageDifferences(ctx, state);
  const inputs = (await inputDifferences(ctx, state)) ?? [];
  const wanted = state.datums.filter((datum) =>
    id === undefined ? datum.phase !== 'done' || datum.outcome !== 'skipped' : datum.id === id,
  );
  const datums: WhyDatum[] = wanted
    .slice(0, SHOWN)
    .map((datum) => explain(state, datum, { inputs, code: differences }));
  if (id !== undefined && datums.length === 0) datums.push(...settledDatum(state, id));
  for (const waiting of state.set?.waiting ?? []) {
    if (datums.length >= SHOWN) break;
    if (id !== undefined && waiting.id !== id) continue;
    datums.push({
      captures: Object.fromEntries(waiting.captures),
      datum: waiting.id,
      decision: 'waiting',
      reason: `waits for ${waiting.missing.join(', ')}`,
      differences: [],
    });
  }
  if (id === undefined) {
    for (const row of state.vanished.slice(0, SHOWN)) {
      datums.push({
        captures: {},
        datum: row.captures,
        decision: 'vanished',
        reason: 'no dep brings it into being any more',
        differences: [],
      });
    }
  }
  return {
    target,
    stage: state.id,
    state: report.state,
    answer: sentenceOf(state, { report, one: id === undefined ? undefined : datums[0] }),
    reasons: report.reasons,
    differences,
    datums,
    counts: report.datums,
    code: report.code,
    ...(report.codeVersions === undefined ? {} : { codeVersions: report.codeVersions }),
    ...(report.accepted === undefined ? {} : { accepted: report.accepted }),
  };
}

/** Differences of the code half from the one that the lock names. */
async function stageDifferences(ctx: AppContext, state: StageState): Promise<readonly KeyDifference[]> {
  const recorded = state.options.locked?.code;
  if (recorded === undefined || recorded === state.code) return [];
  const differences = await codeDifferences(ctx.store, state, recorded);
  return differences ?? [{ field: 'code half', before: recorded, after: state.code }];
}

interface Differences {
  readonly inputs: readonly DepDifference[];
  readonly code: readonly KeyDifference[];
}

function explain(state: StageState, datum: DatumPlan<StageState>, { inputs, code }: Differences): WhyDatum {
  const own = datum.reason === 'code-changed' ? [...code] : [];
  if (datum.reason === 'input-changed' || datum.reason === 'upstream') {
    for (const difference of inputs) {
      const paths = seenBy(state, datum, difference);
      if (paths.length > 0)
        own.push({ field: `input.${difference.dep.name}`, before: null, after: null, paths });
    }
  }
  return {
    captures: Object.fromEntries(datum.spec.captures),
    datum: datum.id,
    ...describe(datum),
    differences: own,
  };
}

/** Changed paths of a dep that a datum sees, or saw: those that read to its captures. */
function seenBy(
  state: StageState,
  datum: DatumPlan<StageState>,
  { dep, added, changed, deleted }: DepDifference,
): string[] {
  const index = state.node.stage.deps.indexOf(dep);
  const view = state.views[index];
  const indexes = datum.spec.files[index] ?? state.set?.broadcast.get(index) ?? [];
  const seen = new Set(indexes.map((at) => view?.paths[at]));
  const gone = deleted.filter((path) => {
    const captures = matchPath(dep.pattern, path);
    return (
      captures !== undefined &&
      [...captures].every(
        ([name, value]) =>
          (datum.spec.captures.get(name) ?? value).startsWith(value) ||
          value.startsWith(datum.spec.captures.get(name) ?? value),
      )
    );
  });
  return [
    ...[...added, ...changed].filter((path) => seen.has(path) || state.wholes[index] !== undefined),
    ...gone,
  ].slice(0, SHOWN);
}

/** The datum that makes a path. */
function datumOf(state: StageState, path: string): string | undefined {
  for (const out of state.node.stage.outs) {
    const captures = matchPath(out.pattern, path);
    if (captures !== undefined) return capturesText(captures);
  }
  return undefined;
}

function makes(state: StageState, path: string): boolean {
  return datumOf(state, path) !== undefined;
}

/** A datum of a stage that needn't be planned. */
function settledDatum(state: StageState, id: string): WhyDatum[] {
  const row = state.rows.get(id);
  if (row === undefined)
    throw notFound(
      'no-datum',
      `stage ${state.id} has no datum ${id}`,
      `See what there is: datawf status ${state.id}`,
    );
  return [
    {
      captures: {},
      datum: id,
      decision: 'current',
      reason: currentReason(state, row),
      differences: [],
    },
  ];
}

function whyAdded({ datasets }: Assessment, target: string, path: string): WhyReport {
  const found = datasets.all.find(
    ({ dataset }) => isWithin(path, dataset.home) || isWithin(dataset.home, path),
  );
  const edits =
    found === undefined
      ? []
      : [
          ...found.added.map((file) => file.path),
          ...found.changed.map((file) => file.path),
          ...found.deleted,
        ];
  const own = edits.filter((edit) => isWithin(edit, path));
  return {
    target,
    stage: null,
    state: null,
    answer:
      own.length === 0
        ? `${path} was added by hand (${found?.dataset.home ?? path}.datawf) and is as recorded; no stage makes it`
        : `${path} was added by hand and has ${own.length} unrecorded ${own.length === 1 ? 'edit' : 'edits'}: repro records ${own.length === 1 ? 'it' : 'them'}`,
    reasons:
      own.length === 0 ? [] : [{ kind: 'input-changed', count: own.length, paths: own.slice(0, SHOWN) }],
    differences: [],
    datums: [],
    counts: null,
  };
}
