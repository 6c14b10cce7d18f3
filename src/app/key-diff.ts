import type { Digest } from '../model/digest.ts';
import type { ReasonKind } from '../model/outcome.ts';
import type { KeyDifference } from '../model/report.ts';
import type { Store } from '../store/store.ts';
import type { StageState } from './stage-state.ts';

type Json = Readonly<Record<string, unknown>>;

/** Fields in which a recorded code half differs from the stage's present one; undefined where it isn't in the store any more. */
export async function codeDifferences(
  store: Store,
  state: StageState,
  recorded: Digest,
): Promise<KeyDifference[] | undefined> {
  const before = await store.readKey(recorded);
  if (before === undefined) return undefined;
  return jsonDifferences(JSON.parse(before) as Json, JSON.parse(state.options.facts.half.json) as Json);
}

/** The reason that a field of the code half stands for. */
export function reasonOfField(field: string): ReasonKind {
  const [first] = field.split('.', 1);
  return first === 'image' || first === 'params' || first === 'env' ? first : 'code-changed';
}

/** Groups of the code half whose members are named one by one. */
const GROUPS = new Set(['env', 'params', 'code', 'deps', 'outs']);

function jsonDifferences(before: Json, after: Json): KeyDifference[] {
  const differences: KeyDifference[] = [];
  for (const field of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const [old, now] = [before[field], after[field]];
    if (GROUPS.has(field)) {
      for (const inner of jsonDifferences((old ?? {}) as Json, (now ?? {}) as Json)) {
        differences.push({ ...inner, field: `${field}.${inner.field}` });
      }
    } else if (JSON.stringify(old) !== JSON.stringify(now)) {
      differences.push({ field, before: textOf(old), after: textOf(now) });
    }
  }
  return differences;
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
