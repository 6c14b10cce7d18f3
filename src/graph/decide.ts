import type { Digest } from '../model/digest.ts';
import type { DatumRow } from '../model/datum.ts';
import type { ReasonKind } from '../model/outcome.ts';

/** What the decision about one datum rests on. */
export interface DatumFacts {
  readonly row: DatumRow | undefined;
  readonly input: Digest;
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
