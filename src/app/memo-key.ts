import { canonicalJson } from '../formats/canonical-json.ts';
import { formatListing } from '../formats/tree-text.ts';
import { grainOfShift, isMoment, resolveMoment } from '../model/moment.ts';
import { periodStart } from '../model/period.ts';
import type { Stage } from '../model/stage.ts';
import { digestHex } from '../util/blake3.ts';
import type { Dataset } from './project.ts';
import type { Sources } from './sources.ts';
import type { StageState } from './stage-state.ts';

/** What a memo key is made of. */
export interface MemoFacts {
  readonly state: StageState;
  readonly upstream: readonly StageState[];
  readonly sources: Sources;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly recorded: Recorded;
}

/** Recorded versions: of a dataset, and of the stage's table. */
export interface Recorded {
  readonly tree: (dataset: Dataset) => string | undefined;
  readonly table: string | undefined;
}

/**
 * Digest of all that decides whether a stage is current: its code half and those that count as it, its rows' versions, the versions of everything its
 * deps can see, and where its matrix ends today. Reads no tree where its datasets are as recorded.
 */
export async function memoKey({ state, upstream, sources, now, recorded }: MemoFacts): Promise<string> {
  const { stage } = state.node;
  const deps: unknown[] = [];
  const makers = new Map(upstream.map((other) => [other.node, other]));
  for (const [index, dep] of stage.deps.entries()) {
    const seen: unknown[] = [];
    for (const { node } of state.node.producers[index] ?? []) {
      for (const dataset of makers.get(node)?.options.datasets ?? [])
        seen.push([dataset.owner, recorded.tree(dataset) ?? null]);
    }
    for (const added of sources.added(dep)) seen.push([added.dataset.owner, (await added.treeNow()) ?? null]);
    const plain = sources.plain(dep);
    if (plain.length > 0) seen.push(digestHex(formatListing(plain)));
    const strays = sources.strays(dep);
    if (strays.length > 0) seen.push({ strays: digestHex(strays.join('\n')) });
    deps.push(seen);
  }
  return digestHex(
    canonicalJson({
      code: state.code,
      keep: stage.onCodeChange,
      accepted: [...state.codes.accepted].map(([code, { as }]) => [code, as]),
      rows: recorded.table ?? null,
      outs: state.options.datasets.map((dataset) => [dataset.owner, recorded.tree(dataset) ?? null]),
      deps,
      ends: matrixEnds(stage, { now, zone: state.options.zone }),
    }),
  );
}

function matrixEnds(stage: Stage, clock: { readonly now: number; readonly zone: string }): unknown[] {
  return [...stage.matrix].map(([name, item]) => {
    if (item.kind === 'list') return [name, item.values];
    const grain = grainOfShift(item.every);
    const ends = [item.since, item.until].map((text) =>
      isMoment(text) ? periodStart(resolveMoment(text, clock), grain) : text,
    );
    return [name, ...ends, `${item.every.count}${item.every.unit}`];
  });
}

/** The versions that the lock names. */
export function asLocked(state: StageState): Recorded {
  return { tree: (dataset) => dataset.recorded, table: state.options.locked?.datums.table };
}
