import { gunzipSync } from 'node:zlib';
import type { Store } from '../store/store.ts';
import { jobFolder, type DatumTask, type JobPlan, type TaskOutcome, type WorkerState } from './job-plan.ts';
import { formatPlan, formatTasks, parseOutcomes, parsePlan, parseTasks, parseWorker } from './job-text.ts';

/** One line of a log as the pods write it. */
export interface JobLogLine {
  readonly time: number;
  readonly datum: string;
  readonly attempt: number;
  readonly stream: 'out' | 'err';
  readonly text: string;
}

/** The files by which the command that plans and the pods of a Job tell each other things (job-plan.ts). */
export class JobFiles {
  readonly run: string;
  readonly job: string;
  readonly #store: Store;
  readonly #seen = new Set<string>();

  constructor(store: Store, run: string, job: string) {
    this.#store = store;
    this.run = run;
    this.job = job;
  }

  get #folder(): string {
    return `${jobFolder(this)}/`;
  }

  /** Writes the batches and then the plan. */
  async write(plan: JobPlan, batches: readonly (readonly DatumTask[])[]): Promise<void> {
    for (const [n, tasks] of batches.entries()) await this.#put(`batches/${n}.ndjson`, formatTasks(tasks));
    await this.#put('plan.json', formatPlan(plan));
  }

  /** The plan and its datums; undefined where there is none (any more). */
  async read(): Promise<{ readonly plan: JobPlan; readonly tasks: readonly DatumTask[] } | undefined> {
    const text = await this.#get('plan.json');
    if (text === undefined) return undefined;
    const plan = parsePlan(text);
    const tasks: DatumTask[] = [];
    for (let n = 0; n < plan.batches; n++)
      tasks.push(...parseTasks((await this.#get(`batches/${n}.ndjson`)) ?? ''));
    return { plan, tasks };
  }

  /** Outcomes that weren't answered before. */
  async newOutcomes(): Promise<readonly TaskOutcome[]> {
    const outcomes: TaskOutcome[] = [];
    for (const name of await this.#unseen(`${this.#folder}outcomes/`))
      outcomes.push(...parseOutcomes((await this.#read(name)) ?? ''));
    return outcomes;
  }

  /** Lines of this Job's logs that weren't answered before. */
  async newLogs(stage: string): Promise<readonly JobLogLine[]> {
    const lines: JobLogLine[] = [];
    const own = `${this.job}b`;
    const folder = `logs/${this.run}/${encodeURIComponent(stage)}/`;
    for (const name of await this.#unseen(folder)) {
      if (!name.slice(folder.length).startsWith(own)) continue;
      const bytes = await this.#store.readFile(name);
      if (bytes !== undefined) lines.push(...linesOf(gunzipSync(bytes).toString()));
    }
    return lines;
  }

  async workers(): Promise<readonly WorkerState[]> {
    const states: WorkerState[] = [];
    for (const name of await this.#store.listFiles(`${this.#folder}workers/`)) {
      const text = await this.#read(name);
      if (text !== undefined) states.push(parseWorker(text));
    }
    return states;
  }

  /** Takes away what nobody needs once all outcomes are known; results and logs stay. */
  async remove(): Promise<void> {
    for (const name of await this.#store.listFiles(this.#folder)) await this.#store.removeFile(name);
  }

  async #unseen(prefix: string): Promise<readonly string[]> {
    const names = (await this.#store.listFiles(prefix)).filter((name) => !this.#seen.has(name));
    for (const name of names) this.#seen.add(name);
    return names;
  }

  async #put(name: string, text: string): Promise<void> {
    await this.#store.writeFile(`${this.#folder}${name}`, Buffer.from(text));
  }

  #get(name: string): Promise<string | undefined> {
    return this.#read(`${this.#folder}${name}`);
  }

  async #read(name: string): Promise<string | undefined> {
    const bytes = await this.#store.readFile(name);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString();
  }
}

/** A last line that is cut short is passed over. */
function linesOf(text: string): JobLogLine[] {
  const lines: JobLogLine[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    try {
      lines.push(JSON.parse(line) as JobLogLine);
    } catch {
      break;
    }
  }
  return lines;
}
