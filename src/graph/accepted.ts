import type { Digest } from '../model/digest.ts';
import type { Accepted } from '../model/lock.ts';

type AcceptedCodes = ReadonlyMap<Digest, Accepted>;

/** All code halves that count as one, itself among them: what was accepted holds in both directions and over several steps. */
export function equalCodes(code: Digest, accepted: AcceptedCodes): ReadonlySet<Digest> {
  const equal = new Set([code]);
  for (let size = 0; size < equal.size;) {
    size = equal.size;
    for (const [newer, { as }] of accepted) {
      if (equal.has(newer)) equal.add(as);
      else if (equal.has(as)) equal.add(newer);
    }
  }
  return equal;
}

/** What of the accepted concerns a code half: the steps between those that count as one with it. */
export function acceptedOf(code: Digest, accepted: AcceptedCodes): AcceptedCodes {
  const equal = equalCodes(code, accepted);
  return new Map([...accepted].filter(([newer]) => equal.has(newer)));
}

/**
 * Adds that a code half gives the same results as each of the `older`: one step for each that doesn't count as one with it
 * yet. A half has one step at most, so that further ones begin where the first leads.
 */
export function acceptCodes(
  accepted: AcceptedCodes,
  code: Digest,
  { older, by, reason }: Omit<Accepted, 'as'> & { readonly older: readonly Digest[] },
): AcceptedCodes {
  const all = new Map(accepted);
  for (const old of older) {
    if (!equalCodes(code, all).has(old)) all.set(lastStep(code, all), { as: old, by, reason });
  }
  return all;
}

/** The code half at the end of the steps from one; those that lead round (two merged reverts) end before they close. */
function lastStep(code: Digest, accepted: AcceptedCodes): Digest {
  const seen = new Set([code]);
  for (let at = code; ;) {
    const next = accepted.get(at)?.as;
    if (next === undefined || seen.has(next)) return at;
    seen.add(next);
    at = next;
  }
}
