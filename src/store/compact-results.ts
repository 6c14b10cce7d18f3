import type { Digest } from '../model/digest.ts';
import { digestHex } from '../util/blake3.ts';
import { SEGMENT_RESULTS } from './result-writer.ts';
import { readSegments, type ResultLine, type Segment } from './results.ts';
import type { Store } from './store.ts';

/** More segments than this are merged. */
const SEGMENTS_MAX = 64;

/**
 * Merges a code half's small segments where it has more than 64, 10,000 results to a segment, so that reading them all
 * takes few requests. Of equal results the newest stays. The merged are written before the small ones are removed: a crash
 * in between leaves both, which says the same twice. Answers whether it merged.
 */
export async function compactResults(store: Store, codeHalf: Digest): Promise<boolean> {
  if ((await store.listSegments(codeHalf)).length <= SEGMENTS_MAX) return false;
  const segments = await readSegments(store, codeHalf);
  const small = segments.filter((segment) => segment.lines.length < SEGMENT_RESULTS);
  if (small.length < 2) return false;
  const written = new Set<string>();
  for (const merged of mergeSegments(small)) {
    await store.putSegment(codeHalf, merged.name, merged.text);
    written.add(merged.name);
  }
  for (const { name } of small) if (!written.has(name)) await store.removeSegment(codeHalf, name);
  return true;
}

function* mergeSegments(
  small: readonly Segment[],
): Generator<{ readonly name: string; readonly text: string }> {
  let lines = new Map<string, ResultLine>();
  for (const [index, segment] of small.entries()) {
    for (const line of segment.lines) {
      const key = line.input + line.result;
      lines.delete(key);
      lines.set(key, line);
    }
    if (lines.size < SEGMENT_RESULTS && index < small.length - 1) continue;
    const text = [...lines.values()].map((line) => `${line.text}\n`).join('');
    yield { name: mergedName(segment.name, text, lines.size), text };
    lines = new Map();
  }
}

/** Named by its content, so that a name that is taken already says the same; which result is newest, its run says. */
export function mergedName(last: string, text: string, count: number): string {
  return `${last.slice(0, last.indexOf('-'))}-m${digestHex(text).slice(0, 16)}-${count}.ndjson`;
}
