import type { WorkEvent } from '../model/event.ts';
import { formatBytes, formatCaptures, formatSeconds } from './format.ts';
import type { Output } from './output.ts';
import { cut } from './table.ts';

/** What a live display knows. */
export interface LiveState {
  /** Epoch milliseconds of the first event. */
  readonly started: number;
  readonly stages: ReadonlyMap<string, LiveStage>;
  readonly progress: (WorkEvent & { event: 'progress' }) | undefined;
  /** Epoch milliseconds of the first event of the present verb. */
  readonly progressStarted: number;
}

export interface LiveStage {
  /** undefined where it isn't known. */
  readonly planned: number | undefined;
  readonly done: number;
  /** Running datums by name, with their starts. */
  readonly running: ReadonlyMap<string, number>;
}

/** A display of work in progress. */
export interface Live {
  see(event: WorkEvent): void;
  close(): void;
}

/** Nothing is shown for work that takes less, in milliseconds. */
const DELAY = 1000;
const REFRESH = 120;

/** A line or a few below the text, redrawn while work goes on; appears after a second, on stderr. Loads ora when it does. */
export function createLive(output: Output, now: () => number): Live {
  const tracker = createTracker(now);
  let spinner: { text: string; clear(): unknown; render(): unknown; stop(): unknown } | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const draw = (): void => {
    const text = liveText(tracker.state(), now(), output.columns - 2);
    if (spinner !== undefined) spinner.text = text;
  };
  const begin = async (): Promise<void> => {
    const { default: ora } = await import('ora');
    // `ended` looks again at what another turn of the event loop may have changed.
    if (ended() || tracker.idle()) return;
    spinner = ora({ discardStdin: false, hideCursor: true, text: '' }).start();
    output.around((write) => {
      spinner?.clear();
      write();
      spinner?.render();
    });
    draw();
    timer = setInterval(draw, REFRESH);
    timer.unref();
  };
  const ended = (): boolean => closed;
  const end = (): void => {
    clearTimeout(timer);
    timer = undefined;
    output.around(undefined);
    spinner?.stop();
    spinner = undefined;
  };
  return {
    see: (event) => {
      if (closed) return;
      tracker.see(event);
      if (event.event === 'end') end();
      else if (timer === undefined && !tracker.idle()) {
        timer = setTimeout(() => {
          begin().catch(() => undefined);
        }, DELAY);
        timer.unref();
      }
    },
    close: () => {
      closed = true;
      end();
    },
  };
}

interface Tracker {
  see(event: WorkEvent): void;
  state(): LiveState;
  idle(): boolean;
}

function createTracker(now: () => number): Tracker {
  const started = now();
  const stages = new Map<
    string,
    { planned: number | undefined; done: number; running: Map<string, number> }
  >();
  /** What the plan knew for certain, for stages that don't say how much they plan. */
  const expected = new Map<string, number>();
  let progress: LiveState['progress'];
  let progressStarted = started;
  const stageOf = (
    name: string,
  ): { planned: number | undefined; done: number; running: Map<string, number> } => {
    const stage = stages.get(name) ?? {
      planned: expected.get(name),
      done: 0,
      running: new Map<string, number>(),
    };
    stages.set(name, stage);
    return stage;
  };
  return {
    see: (event) => {
      switch (event.event) {
        case 'plan':
          for (const line of event.stages)
            if (!line.bound) expected.set(line.stage, line.toRun + line.cached);
          return;
        case 'stage-start':
          progress = undefined;
          stageOf(event.stage).planned = event.planned;
          return;
        case 'datum-start':
          progress = undefined;
          stageOf(event.stage).running.set(formatCaptures(event.captures), now());
          return;
        case 'datum-end': {
          const stage = stageOf(event.stage);
          stage.running.delete(formatCaptures(event.captures));
          stage.done++;
          return;
        }
        case 'stage-end':
          stages.delete(event.stage);
          return;
        case 'progress':
          if (progress?.verb !== event.verb) progressStarted = now();
          progress = event;
          return;
        default:
          return;
      }
    },
    state: () => ({ started, stages, progress, progressStarted }),
    idle: () => stages.size === 0 && progress === undefined,
  };
}

/** The text of a live display: a line per busy stage, and what runs longest. */
export function liveText(state: LiveState, now: number, columns: number): string {
  const seconds = (now - state.started) / 1000;
  const lines: string[] = [];
  for (const [stage, { planned, done, running }] of state.stages) {
    if (planned === 0 || (running.size === 0 && done === 0)) continue;
    const rate = done / Math.max(seconds, 0.001);
    const all = planned === undefined ? ' done' : ` of ${planned}`;
    const speed = done === 0 ? '' : `, ${rate < 1 ? rate.toFixed(1) : rate.toFixed(0)} a second`;
    const left =
      done === 0 || planned === undefined ? '' : `, ${formatSeconds((planned - done) / rate)} left`;
    const longest = [...running].sort((a, b) => a[1] - b[1])[0];
    const busy = longest === undefined ? '' : `, ${running.size} running${runningText(longest, now)}`;
    lines.push(cut(`${stage}: ${done}${all}${speed}${left}${busy}`, columns));
  }
  if (lines.length === 0 && state.progress !== undefined)
    lines.push(cut(progressText(state.progress, (now - state.progressStarted) / 1000), columns));
  return lines.length > 5
    ? [...lines.slice(0, 4), `and ${lines.length - 4} more stages`].join('\n')
    : lines.join('\n');
}

function runningText([name, started]: readonly [string, number], now: number): string {
  const seconds = formatSeconds((now - started) / 1000);
  return name === '' ? ` (${seconds})` : ` (${name} for ${seconds})`;
}

function progressText(event: WorkEvent & { event: 'progress' }, seconds: number): string {
  const { verb, done, total, bytes, totalBytes } = event;
  const files = total > 0 ? `${done} of ${total}` : String(done);
  if (totalBytes === 0) return `${verb} ${files}`;
  const size = `, ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`;
  if (seconds < 1 || bytes === 0) return `${verb} ${files}${size}`;
  const rate = bytes / seconds;
  const left = formatSeconds((totalBytes - bytes) / rate);
  return `${verb} ${files}${size}, ${formatBytes(rate)}/s, ${left} left`;
}
