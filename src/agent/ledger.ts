import { formatResultLine } from '../formats/result-line.ts';
import { logName } from '../history/record-names.ts';
import { packLines } from '../history/record-text.ts';
import type { ResultRecord } from '../model/result.ts';
import type { LogRecord } from '../model/run-record.ts';
import { jobFolder, type JobPlan, type TaskOutcome } from '../run/job-plan.ts';
import { formatOutcomes } from '../run/job-text.ts';
import type { Store } from '../store/store.ts';

/** What a worker knows and the store doesn't yet, of one batch. */
interface Page {
  readonly results: string[];
  readonly logs: string[];
  readonly outcomes: TaskOutcome[];
}

export interface LedgerOptions {
  readonly store: Store;
  readonly plan: JobPlan;
  /** Letters and digits that tell this pod from others of its index. */
  readonly pod: string;
}

/**
 * Writes what became of datums: results, then logs, then outcomes, so that whoever reads an outcome finds what it names. What a
 * write fails with is thrown by `flush`, which keeps what isn't written for the next time.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #pages = new Map<number, Page>();
  #writing: Promise<void> = Promise.resolve();
  #pieces = 0;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Takes a line of a command's output. */
  log(batch: number, line: LogRecord): void {
    this.#page(batch).logs.push(JSON.stringify(line));
  }

  /** Takes the end of a datum; the objects of its result are in the store. */
  end(batch: number, outcome: TaskOutcome, result: ResultRecord | undefined): void {
    const page = this.#page(batch);
    if (result !== undefined) page.results.push(formatResultLine(result));
    page.outcomes.push(outcome);
  }

  /** Writes what was taken; one call after the other. */
  flush(): Promise<void> {
    const mine = this.#writing.then(async () => {
      for (const [batch, page] of [...this.#pages]) await this.#write(batch, page);
    });
    this.#writing = mine.catch(() => undefined);
    return mine;
  }

  async #write(batch: number, page: Page): Promise<void> {
    const { store, plan, pod } = this.#options;
    const piece = `${plan.job}b${batch}p${pod}`;
    // Lines that come while this writes belong to the next time, and none is dropped before it is written.
    const { results, logs, outcomes } = counts(page);
    if (results > 0) {
      const name = `${plan.run}-${piece}-${String(this.#pieces++).padStart(6, '0')}.ndjson`;
      await store.putSegment(plan.code, name, `${page.results.slice(0, results).join('\n')}\n`);
      await store.makeDurable();
      page.results.splice(0, results);
    }
    if (logs > 0) {
      const name = logName(plan.run, plan.stage, { batch: piece, n: this.#pieces++ });
      await store.writeFile(name, await packLines(page.logs.slice(0, logs)));
      page.logs.splice(0, logs);
    }
    if (outcomes > 0) {
      await this.#writeOutcomes(batch, formatOutcomes(page.outcomes.slice(0, outcomes)));
      page.outcomes.splice(0, outcomes);
    }
    if (page.results.length + page.logs.length + page.outcomes.length === 0) this.#pages.delete(batch);
  }

  /** An earlier pod of the index may have used the first numbers. */
  async #writeOutcomes(batch: number, text: string): Promise<void> {
    const { store, plan } = this.#options;
    const bytes = Buffer.from(text);
    for (;;) {
      const name = `${jobFolder(plan)}/outcomes/${batch}-${this.#pieces++}.ndjson`;
      if (await store.writeFile(name, bytes)) return;
    }
  }

  #page(batch: number): Page {
    const page = this.#pages.get(batch) ?? { results: [], logs: [], outcomes: [] };
    this.#pages.set(batch, page);
    return page;
  }
}

function counts(page: Page): { readonly results: number; readonly logs: number; readonly outcomes: number } {
  return { results: page.results.length, logs: page.logs.length, outcomes: page.outcomes.length };
}
