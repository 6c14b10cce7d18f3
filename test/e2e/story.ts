import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkEvent } from '../../src/model/event.ts';
import type { RunCounts } from '../../src/model/outcome.ts';
import type { DatumCounts, DepReport, StageReport } from '../../src/model/report.ts';
import { openRig, type Result, type Rig, type RigOptions, type RunOptions } from './rig.ts';

/** A run of `repro --json`, read. */
export interface Repro {
  readonly code: number;
  readonly stderr: string;
  readonly events: readonly WorkEvent[];
  /** Of the `end` event, those that aren't 0. */
  readonly counts: Partial<RunCounts>;
  /** What ran, sorted: `clean date=2024-01-01`, or the stage alone where it has no captures. */
  readonly ran: readonly string[];
  /** Datums by how they ended, alike. */
  ended(state: 'ran' | 'cached' | 'identical' | 'failed' | 'blocked' | 'waiting'): readonly string[];
  /** Messages of warnings. */
  readonly warnings: readonly string[];
  /** The error on stderr, where there is one. */
  readonly error: Problem | undefined;
}

/** An error as `--json` prints it. */
export interface Problem {
  readonly error: string;
  readonly message: string;
  readonly hint?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly exit: number;
}

/** A rig with words for stories about stages. */
export interface Story extends Rig {
  pipeline(text: string): void;
  repro(...args: readonly string[]): Promise<Repro>;
  reproWith(options: RunOptions, ...args: readonly string[]): Promise<Repro>;
  /** One stage of `status --json`. */
  stage(name: string): Promise<StageReport>;
  /** Files below a folder, sorted, with their text: `a.csv: 1`. */
  texts(folder: string): readonly string[];
  /** Writes several files: path to text. */
  files(texts: Readonly<Record<string, string>>): void;
}

export async function openStory(pipeline?: string, options: RigOptions = {}): Promise<Story> {
  const rig = await openRig(options);
  const reproWith = async (options: RunOptions, ...args: readonly string[]): Promise<Repro> =>
    readRepro(await rig.datawf(['repro', '--json', ...args], options));
  const story: Story = {
    ...rig,
    pipeline: (text) => rig.write('datawf.yaml', text),
    reproWith,
    repro: (...args) => reproWith({}, ...args),
    stage: async (name) => {
      const { stdout, code, stderr } = await rig.datawf(['status', '--json']);
      if (code !== 0) throw new Error(`status exited ${code}: ${stderr}`);
      const { stages } = JSON.parse(stdout) as { stages: StageReport[] };
      const found = stages.find((each) => each.stage === name);
      if (found === undefined) throw new Error(`status has no stage ${name}`);
      return found;
    },
    texts: (folder) =>
      filesBelow(rig.path(folder)).map((path) => `${path}: ${rig.read(join(folder, path)).trim()}`),
    files: (texts) => {
      for (const [path, text] of Object.entries(texts)) rig.write(path, text);
    },
  };
  if (pipeline !== undefined) story.pipeline(pipeline);
  return story;
}

/** Relative paths of the files below a folder, sorted; none where it isn't there. */
export function filesBelow(folder: string): string[] {
  let entries;
  try {
    entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

export function readRepro(result: Result): Repro {
  const events = result.events();
  const end = events.find((event) => event.event === 'end') as { counts?: RunCounts } | undefined;
  const ended: Repro['ended'] = (state) =>
    events
      .flatMap((event) => (event.event === 'datum-end' && event.state === state ? [nameOf(event)] : []))
      .sort();
  return {
    code: result.code,
    stderr: result.stderr,
    events,
    counts: nonZero(end?.counts),
    ran: ended('ran'),
    ended,
    warnings: events.flatMap((event) => (event.event === 'warning' ? [event.message] : [])),
    error: result.stderr.startsWith('{')
      ? (JSON.parse(result.stderr.split('\n')[0] ?? '') as Problem)
      : undefined,
  };
}

function nameOf(event: {
  readonly stage: string;
  readonly captures: Readonly<Record<string, string>>;
}): string {
  const captures = Object.entries(event.captures).map(([name, value]) => `${name}=${value}`);
  return [event.stage, captures.join('&')].filter((part) => part !== '').join(' ');
}

/** Counts without those that are 0. */
function nonZero<Counts extends object>(counts: Counts | undefined): Partial<Counts> {
  return Object.fromEntries(
    Object.entries(counts ?? {}).filter(([, count]) => count !== 0),
  ) as Partial<Counts>;
}

/** What status says of a dep's files, without zeros and examples. */
export function usage(report: DepReport | undefined): Partial<Omit<DepReport, 'examples'>> {
  if (report === undefined) return {};
  const { files, used, unmatched, unpaired, outside } = report;
  return nonZero({ files, used, unmatched, unpaired, outside });
}

/** Datum counts without zeros. */
export function datums(report: StageReport): Partial<DatumCounts> {
  return nonZero(report.datums);
}
