import type { EndEvent, WorkEvent } from '../model/event.ts';
import type { RunCounts } from '../model/outcome.ts';
import { formatBytes, formatCaptures, formatSeconds, plural } from './format.ts';
import { planText } from './plan-screen.ts';
import { reasonWord } from './reasons.ts';
import type { Style } from './style.ts';

/** What an event is worth saying; empty where nothing. `data` is the answer, `error` is said even when quiet. */
export interface Told {
  readonly text: string;
  readonly stream: 'data' | 'words' | 'error';
}

export interface Narrator {
  tell(event: WorkEvent): Told;
}

export interface NarratorOptions {
  readonly verbose: boolean;
  readonly terminal: boolean;
  readonly style: Style;
  readonly now: () => number;
}

/** A stage with at most so many planned datums gets a line for each; where that isn't known the first ones do. */
const FEW = 10;
/** Milliseconds between lines of a larger stage where no terminal shows it live. */
const PATIENCE = 10_000;

/** Puts events into lines: one when something finishes. It remembers what it needs of earlier events. */
export function createNarrator(options: NarratorOptions): Narrator {
  const { verbose, terminal, style, now } = options;
  const stages = new Map<string, { planned: number | undefined; done: number }>();
  let run: string | undefined;
  let lastLine = now();
  const words = (text: string): Told => ({ text, stream: 'words' });

  const stageOf = (name: string): { planned: number | undefined; done: number } => {
    const stage = stages.get(name) ?? { planned: undefined, done: 0 };
    stages.set(name, stage);
    return stage;
  };
  const datumEnd = (event: WorkEvent & { event: 'datum-end' }): Told => {
    const stage = stageOf(event.stage);
    stage.done++;
    if (event.state === 'failed') return { text: failureText(event, run, style), stream: 'error' };
    const name = nameOf(event.stage, event.captures);
    if (event.state === 'waiting' && event.message !== undefined) {
      return words(`  ${name} is waiting: ${event.message}\n`);
    }
    if (verbose || (!terminal && (stage.planned ?? stage.done) <= FEW)) {
      const took = event.state === 'ran' ? ` in ${formatSeconds(event.seconds)}` : '';
      const why = event.reason === '' ? '' : style.dim(` (${reasonWord(event.reason)})`);
      return words(`  ${event.state} ${name}${took}${why}\n`);
    }
    if (terminal || now() - lastLine < PATIENCE) return words('');
    const all = stage.planned === undefined ? '' : ` of ${stage.planned}`;
    return words(`  ${event.stage}: ${stage.done}${all} done\n`);
  };

  const tell = (event: WorkEvent): Told => {
    switch (event.event) {
      case 'run-start':
        run = event.run;
        return words('');
      case 'plan':
        for (const { stage, toRun, cached, bound } of event.stages) {
          if (!bound) stageOf(stage).planned = toRun + cached;
        }
        return event.dryRun ? { text: planText(event.stages, style), stream: 'data' } : words('');
      case 'stage-start': {
        stageOf(event.stage).planned = event.planned;
        return words('');
      }
      case 'datum-start':
        return words('');
      case 'datum-end':
        return datumEnd(event);
      case 'stage-end':
        if (event.counts.planned === 0) return words('');
        return words(
          `${style.bold(event.stage)}: ${countsText(event.counts)} in ${formatSeconds(event.seconds)}\n`,
        );
      case 'progress':
        return words('');
      case 'dataset':
        return words(`${datasetText(event)}\n`);
      case 'warning': {
        const hint = event.hint === undefined ? '' : `  ${event.hint}\n`;
        return words(`${style.warn('warning:')} ${event.message}\n${hint}`);
      }
      case 'note':
        return words(`${event.message}\n`);
      case 'end':
        return words(endText(event, run, style));
    }
  };
  return {
    tell: (event) => {
      const told = tell(event);
      if (told.text !== '') lastLine = now();
      return told;
    },
  };
}

/** Counts in words, without the zeros: `ran 3, cached 1, identical 2, skipped 1458`. */
export function countsText(counts: RunCounts): string {
  const parts = (['failed', 'blocked', 'ran', 'cached', 'identical', 'waiting', 'skipped'] as const)
    .filter((name) => counts[name] > 0)
    .map((name) => `${name} ${counts[name]}`);
  return parts.length === 0 ? 'nothing to do' : parts.join(', ');
}

/** The last line of a run. */
function endText(event: EndEvent, run: string | undefined, style: Style): string {
  const { counts, seconds, state } = event;
  if (typeof event['objects'] === 'number') return movedText(event, event['objects']);
  // The plan of a dry run has said it all.
  if (counts === undefined || event['dryRun'] === true) return '';
  const took = formatSeconds(seconds);
  if (state === 'detached')
    return `${style.warn('detached')} after ${took}; the Jobs go on: datawf attach ${event.run ?? run ?? ''}\n`;
  if (state === 'cancelled') return `${style.warn('stopped')} after ${took}: ${countsText(counts)}\n`;
  if (state === 'failed') {
    const id = event.run ?? run;
    const see = id === undefined ? '' : `All about this run: datawf show ${id}\n`;
    return `${style.bad(countsText(counts))} in ${took}\n${see}`;
  }
  const vanished = Number(event['vanished'] ?? 0);
  const gone = vanished === 0 ? '' : `, ${plural(vanished, 'datum')} vanished`;
  if (counts.planned === 0 && vanished > 0) return `${gone.slice(2)} (${took})\n`;
  if (counts.planned === 0) {
    return counts.skipped === 0
      ? `nothing to do (${took})\n`
      : `nothing to do: ${allCurrent(counts.skipped)} (${took})\n`;
  }
  return `${style.good(countsText(counts))}${gone} in ${took}\n`;
}

/** The last line of push, fetch and pull. */
function movedText(event: EndEvent, objects: number): string {
  const { verb, bytes, requests, files } = event;
  const took = formatSeconds(event.seconds);
  const moved = objects === 0 ? 'no objects' : `${plural(objects, 'object')}, ${formatBytes(Number(bytes))}`;
  const placed = Number(files ?? 0) > 0 ? `; put ${plural(Number(files), 'file')} into the workspace` : '';
  const asked = Number(requests) > 0 ? ` (${plural(Number(requests), 'request')})` : '';
  if (objects === 0 && placed === '') return `everything is there already${asked} (${took})\n`;
  return `${String(verb)} ${moved}${asked}${placed} in ${took}\n`;
}

function allCurrent(count: number): string {
  return count === 1 ? 'the one datum is current' : `all ${count} datums are current`;
}

/** What a failed datum shows: stage, captures, message, the end of its stderr, and where the rest is. */
function failureText(
  event: WorkEvent & { event: 'datum-end' },
  run: string | undefined,
  style: Style,
): string {
  const name = nameOf(event.stage, event.captures);
  const message = event.message === undefined ? '' : `: ${event.message}`;
  const lines = [
    `${style.bad('failed')} ${name}${message} ${style.dim(`(after ${formatSeconds(event.seconds)})`)}`,
  ];
  const stderr = (event.stderr ?? '').trimEnd();
  if (stderr !== '')
    lines.push(
      ...stderr
        .split('\n')
        .slice(-10)
        .map((line) => `    ${line}`),
    );
  if (run !== undefined) lines.push(`  its log: datawf logs ${run} ${name}`);
  return `${lines.join('\n')}\n`;
}

function datasetText(event: WorkEvent & { event: 'dataset' }): string {
  const changes = (['added', 'changed', 'deleted'] as const).filter((name) => event[name] > 0);
  const parts = changes.map((name) => `${event[name]} ${name}`);
  const total = `${plural(event.files, 'file')}, ${formatBytes(event.bytes)}`;
  return `${event.verb} ${event.path}: ${[...parts, total].join(', ')}`;
}

function nameOf(stage: string, captures: Readonly<Record<string, string>>): string {
  const text = formatCaptures(captures);
  return text === '' ? stage : `${stage} ${text}`;
}
