import { acceptedOf, equalCodes } from '../graph/accepted.ts';
import type { DatumRow } from '../model/datum.ts';
import type { Digest } from '../model/digest.ts';
import type { Accepted, LockStage } from '../model/lock.ts';
import type { Stage } from '../model/stage.ts';
import type { Store } from '../store/store.ts';
import type { CodeHalf } from '../graph/key.ts';
import { outSources } from './stage-rows.ts';

/** What says which code halves of rows count as the present one. */
export interface CodeMatchOptions {
  readonly stage: Pick<Stage, 'onCodeChange'>;
  readonly half: CodeHalf;
  readonly locked: LockStage | undefined;
}

/** Which code halves of a stage's rows count as its present one: equal ones, accepted ones and, with `keep`, those of the same out patterns. */
export class CodeMatch {
  readonly #options: CodeMatchOptions;
  readonly #equal: ReadonlySet<Digest>;
  readonly #otherOuts = new Set<Digest>();

  constructor(options: CodeMatchOptions) {
    this.#options = options;
    const { half, locked } = options;
    this.#equal = locked === undefined ? new Set([half.digest]) : equalCodes(half.digest, locked.accepted);
  }

  /** The steps of `accept` that lead to the present code half. */
  get accepted(): ReadonlyMap<Digest, Accepted> {
    const { half, locked } = this.#options;
    return locked === undefined ? new Map() : acceptedOf(half.digest, locked.accepted);
  }

  /** Whether results of a row's code half are current by the stage's choice; what `keep` keeps never crosses changed out patterns. */
  isCurrent(code: Digest | undefined): boolean {
    if (code === undefined) return false;
    return (
      this.#equal.has(code) || (this.#options.stage.onCodeChange === 'keep' && !this.#otherOuts.has(code))
    );
  }

  /** Whether a row's results are those that the present code gives: made by it, or by code accepted as equal. */
  isEqual(code: Digest | undefined): boolean {
    return code !== undefined && this.#equal.has(code);
  }

  /** Notes the code halves of rows whose outs were others, or that the store doesn't know, where code is kept. */
  async noteOuts(store: Store, rows: Iterable<DatumRow>): Promise<void> {
    const { stage, half } = this.#options;
    if (stage.onCodeChange !== 'keep') return;
    const older = new Set<Digest>();
    for (const { code } of rows) if (code !== undefined && !this.#equal.has(code)) older.add(code);
    for (const code of older) {
      if (!sameOuts(half.json, await store.readKey(code))) this.#otherOuts.add(code);
    }
  }
}

/** Whether two code halves' documents have the same out patterns; an unknown document has none. */
export function sameOuts(one: string | undefined, other: string | undefined): boolean {
  return sortedOuts(one) === sortedOuts(other);
}

function sortedOuts(json: string | undefined): string {
  return outSources(json).sort().join('\n');
}
