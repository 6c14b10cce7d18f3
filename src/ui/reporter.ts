import type { Emit, WorkEvent } from '../model/event.ts';
import { createLive } from './live.ts';
import { createNarrator } from './narrator.ts';
import type { Output } from './output.ts';
import type { Style } from './style.ts';

/** Shows events while they happen. */
export interface Reporter {
  readonly emit: Emit;
  /** Takes a live display away; safe to call twice. */
  close(): void;
}

export interface ReporterOptions {
  /** With `json`, the events of `work` are lines on stdout, those of a `question` aren't printed but for warnings. */
  readonly kind: 'question' | 'work';
  readonly json: boolean;
  /** Only errors. */
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly output: Output;
  readonly style: Style;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The reporter that fits the invocation: JSON lines, a live display on a terminal, or plain lines. */
export function openReporter(options: ReporterOptions): Reporter {
  if (options.json) return options.kind === 'work' ? jsonLines(options) : warningsOnly(options);
  return textReporter(options);
}

function jsonLines({ output, now }: ReporterOptions): Reporter {
  let lastProgress = -Infinity;
  return {
    emit: (event) => {
      if (event.event === 'progress') {
        if (now() - lastProgress < 1000) return;
        lastProgress = now();
      }
      output.data(`${JSON.stringify(event)}\n`);
    },
    close: () => undefined,
  };
}

function warningsOnly({ output, quiet }: ReporterOptions): Reporter {
  return {
    emit: (event) => {
      if (event.event === 'warning' && !quiet) output.words(`${JSON.stringify(event)}\n`);
    },
    close: () => undefined,
  };
}

function textReporter(options: ReporterOptions): Reporter {
  const { output, quiet, verbose, style, now } = options;
  const narrator = createNarrator({ verbose, terminal: output.terminal, style, now });
  const live = output.terminal && !quiet ? createLive(output, now) : undefined;
  return {
    emit: (event: WorkEvent) => {
      live?.see(event);
      const { text, stream } = narrator.tell(event);
      if (text === '') return;
      if (stream === 'data') output.data(text);
      else if (!quiet || stream === 'error') output.words(text);
    },
    close: () => {
      live?.close();
    },
  };
}
