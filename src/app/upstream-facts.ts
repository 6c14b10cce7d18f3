import { canMeet } from '../model/pattern.ts';
import type { Dep } from '../model/stage.ts';
import { isBad, type DatumPlan } from './datum-plan.ts';
import { depDigest } from './dep-digest.ts';
import type { StageState } from './stage-state.ts';

/** Whether a stage will write files that the other may see and whose paths aren't known yet. */
export function hidesPaths(upstream: StageState, state: StageState): boolean {
  if (!upstream.hasUnknownPaths) return false;
  const open = upstream.node.stage.outs.filter((out) => out.pattern.shape === 'directory' || out.optional);
  return state.node.stage.deps.some((dep) => open.some((out) => canMeet(dep.pattern, out.pattern)));
}

/**
 * A failed or blocked datum whose files can't be told, since it writes a folder: it blocks all that a dep could see of that
 * folder. Where the dep takes the folder whole, a path that stands for its files does so for the datums concerned alone.
 */
export function hiddenFailure(dep: Dep, makers: readonly StageState[]): DatumPlan | undefined {
  if (dep.pattern.shape === 'directory') return undefined;
  for (const maker of makers) {
    const open = maker.node.stage.outs.filter((out) => out.pattern.shape === 'directory');
    if (!open.some((out) => canMeet(dep.pattern, out.pattern))) continue;
    const bad = maker.datums.find(
      (datum) => isBad(datum) && (maker.filesNow.get(datum.id) ?? []).length === 0,
    );
    if (bad !== undefined) return bad;
  }
  return undefined;
}

/** Rows that the lock marks failed block what sees their files also where their stage isn't part of the run. */
export async function markFailed(state: StageState): Promise<void> {
  await state.loadRows();
  for (const row of state.rows.values()) {
    if (row.state === 'failed') state.datums.push(state.failedDatum(row));
  }
}

/** Digests of the broadcast deps, whose files are settled now. */
export function takeBroadcast(state: StageState): void {
  const digests = new Map<number, string | null>();
  for (const [dep, indexes] of state.set?.broadcast ?? []) {
    const pattern = state.node.stage.deps[dep]?.pattern;
    if (pattern === undefined) continue;
    const whole = state.wholes[dep];
    digests.set(dep, whole === undefined ? depDigest(pattern, state.filesAt(dep, indexes)) : whole.tree);
  }
  state.broadcast = digests;
}
