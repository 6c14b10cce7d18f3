import type { Digest } from '../model/digest.ts';
import type { DatumRow } from '../model/datum.ts';
import type { Accepted } from '../model/lock.ts';
import type { ReasonKind } from '../model/outcome.ts';
import type { Stage } from '../model/stage.ts';

/** What the decision about one datum rests on. */
export interface DatumFacts {
  readonly row: DatumRow | undefined;
  readonly input: Digest;
  /** The stage's present code half. */
  readonly code: Digest;
  /** The row's code half counts as the present one: equal, accepted, or kept. */
  readonly sameCode: boolean;
  readonly force: boolean;
  readonly always: boolean;
}

export type Decision = { readonly work: false } | { readonly work: true; readonly reason: ReasonKind };

/** Whether a datum whose inputs are settled needs work, and the first reason that holds. */
export function decide(facts: DatumFacts): Decision {
  const { row } = facts;
  if (facts.force) return { work: true, reason: 'forced' };
  if (row?.input === undefined) return { work: true, reason: row === undefined ? 'never-run' : 'retry' };
  if (row.input !== facts.input) return { work: true, reason: 'input-changed' };
  if (!facts.sameCode) return { work: true, reason: 'code-changed' };
  if (facts.always) return { work: true, reason: 'always' };
  if (row.state === 'failed') return { work: true, reason: 'retry' };
  return { work: false };
}

/** Whether results of an older code half count as results of the present one (1.5). */
export function isSameCode(
  stage: Pick<Stage, 'onCodeChange'>,
  halves: { readonly row: Digest | undefined; readonly now: Digest },
  accepted: ReadonlyMap<Digest, Accepted>,
): boolean {
  if (halves.row === halves.now) return true;
  if (halves.row === undefined) return false;
  for (const [code, { as }] of accepted) {
    if ((code === halves.row && as === halves.now) || (code === halves.now && as === halves.row)) return true;
  }
  return stage.onCodeChange === 'keep';
}
