import { pushTo } from '../util/multimap.ts';
import type { Reason, ReasonKind } from '../model/outcome.ts';
import type { DatumPlan } from './datum-plan.ts';
import { changedPaths, inputDifferences } from './input-diff.ts';
import { codeDifferences, reasonOfField } from './key-diff.ts';
import type { AppContext } from './ports.ts';
import type { StageState } from './stage-state.ts';

const SHOWN = 20;

/** Why a planned stage has work, by kind; counts are datums. Paths are read only where inputs changed. */
export async function reasonsOf(ctx: AppContext, state: StageState): Promise<Reason[]> {
  const byReason = new Map<ReasonKind, DatumPlan<StageState>[]>();
  for (const datum of state.datums) {
    if (!datum.planned || datum.reason === undefined || datum.outcome === 'gone') continue;
    pushTo(byReason, datum.reason, datum);
  }
  const reasons: Reason[] = [];
  for (const [kind, datums] of byReason) {
    if (kind === 'code-changed') reasons.push(...(await codeReasons(ctx, state, datums)));
    else if (kind === 'input-changed') reasons.push(await inputReason(ctx, state, datums));
    else reasons.push({ kind, count: datums.length });
  }
  if (state.vanished.length > 0) {
    const files = await state.files();
    const paths = state.vanished.flatMap((row) => (files.get(row.captures) ?? []).map((file) => file.path));
    reasons.push({ kind: 'vanished', count: state.vanished.length, paths: paths.slice(0, SHOWN) });
  }
  return reasons;
}

/** One reason per kind of field that changed, so that "the image changed" can be told from "the code changed". */
async function codeReasons(
  ctx: AppContext,
  state: StageState,
  datums: readonly DatumPlan<StageState>[],
): Promise<Reason[]> {
  const count = datums.length;
  const recorded = new Set(datums.flatMap((datum) => datum.row?.code ?? []));
  const fields = new Map<ReasonKind, Set<string>>();
  for (const code of [...recorded].slice(0, 5)) {
    for (const { field } of (await codeDifferences(ctx.store, state, code)) ?? []) {
      const kind = reasonOfField(field);
      fields.set(kind, (fields.get(kind) ?? new Set()).add(field));
    }
  }
  if (fields.size === 0) return [{ kind: 'code-changed', count }];
  return [...fields].map(([kind, names]) => ({ kind, count, fields: [...names].slice(0, SHOWN) }));
}

async function inputReason(
  ctx: AppContext,
  state: StageState,
  datums: readonly DatumPlan<StageState>[],
): Promise<Reason> {
  const differences = await inputDifferences(ctx, state);
  const paths = differences === undefined ? ownPaths(state, datums) : changedPaths(differences);
  return {
    kind: 'input-changed',
    count: datums.length,
    ...(paths.length === 0 ? {} : { paths: paths.slice(0, SHOWN) }),
  };
}

/** Where the lock doesn't say what was used: the files that the datums see by their own captures. */
function ownPaths(state: StageState, datums: readonly DatumPlan<StageState>[]): string[] {
  const paths = new Set<string>();
  for (const datum of datums) {
    datum.spec.files.forEach((indexes, dep) => {
      for (const index of indexes ?? [])
        if (paths.size < SHOWN) paths.add(state.views[dep]?.paths[index] ?? '');
    });
    if (paths.size >= SHOWN) break;
  }
  return [...paths];
}
