import type { StageNode } from '../graph/graph.ts';
import type { EnvironmentConfig } from '../model/config.ts';
import type { ResultRecord } from '../model/result.ts';
import type { AppContext } from './ports.ts';

/** Rows that a message names. */
const SHOWN = 20;

/** Counts the rows that are promoted, and remembers those that weren't made where production would have made them. */
export class RowTally {
  readonly #trust: EnvironmentConfig['trust'];
  readonly #elsewhere: string[] = [];
  #results = 0;
  #unknown = 0;

  constructor(environment: EnvironmentConfig | undefined) {
    this.#trust = environment?.trust;
  }

  /** For a push's plan: a row and its result, undefined where nobody remembers it. */
  readonly add = ({ stage }: StageNode, captures: string, record: ResultRecord | undefined): void => {
    if (record === undefined) this.#unknown += 1;
    else this.#results += 1;
    const wantsImage = this.#trust === 'image' || stage.image !== undefined;
    if (wantsImage && record?.made.image === undefined)
      this.#elsewhere.push([stage.id, captures === '-' ? '' : captures].join(' ').trim());
  };

  /** Warns of rows whose place of making isn't the stage's image, or isn't known. */
  tell(ctx: AppContext): void {
    const some = this.#elsewhere.slice(0, SHOWN);
    if (some.length > 0) {
      const more = this.#elsewhere.length - some.length;
      const names = some.join(', ') + (more > 0 ? ` and ${more} more` : '');
      ctx.emit({
        event: 'warning',
        code: 'not-in-image',
        message: `not made in the image of their stage, as far as is known: ${names}`,
        hint: 'Run them instead of trusting them: datawf promote --recompute',
      });
    }
    if (this.#unknown > 0) {
      const rows = this.#unknown === 1 ? 'one row is' : `${this.#unknown} rows are`;
      const message = `the result of ${rows} in no run cache: current as recorded, but run again after a revert`;
      ctx.emit({ event: 'note', message });
    }
  }

  /** For the `end` event. */
  totals(): {
    readonly results: number;
    readonly unknownResults: number;
    readonly notInImage: readonly string[];
  } {
    return { results: this.#results, unknownResults: this.#unknown, notInImage: this.#elsewhere };
  }
}
