import type {
  AttemptReport,
  LogLineReport,
  LogStats,
  RunReport,
  RunStageReport,
  ShownRun,
} from '../model/history-report.ts';
import type { RunState } from '../model/run-record.ts';
import { formatAge, formatBytes, formatCaptures, formatSeconds, formatTime, plural } from './format.ts';
import type { Look } from './look.ts';
import { countsText } from './narrator.ts';
import { reasonsText } from './reasons.ts';
import type { Style } from './style.ts';
import { alignRows } from './table.ts';

/** `datawf log`: a block a run, newest first. */
export function logText(runs: readonly RunReport[], look: Look): string {
  if (runs.length === 0) return 'no runs\n';
  return runs.map((run) => `${headLines(run, look).join('\n')}\n`).join('\n');
}

function headLines(run: RunReport, look: Look): readonly string[] {
  const { style } = look;
  const age = formatAge(look.now - Date.parse(run.start));
  const branch = run.branch === null ? 'detached' : run.branch;
  const commit = run.commit === null ? '' : ` at ${run.commit.slice(0, 10)}${run.dirty ? ' with edits' : ''}`;
  const busy = run.stages.filter(
    ({ counts, why, whyNot }) =>
      counts.planned > 0 || why.length > 0 || whyNot.some(({ kind }) => kind === 'accepted'),
  );
  const rows = busy.map((stage) => [
    `  ${style.bold(stage.stage)}`,
    formatSeconds(stage.seconds),
    [
      stage.counts.planned > 0 ? countsText(stage.counts) : '',
      style.dim(reasonsText(stage.why)),
      whyNotText(acceptedIn(stage)),
    ]
      .filter((part) => part !== '')
      .join('; '),
  ]);
  return [
    `${style.accent(run.run)}  ${stateWord(run.state, style)}  ${run.kind}, ${formatTime(run.start)} (${age}), took ${formatSeconds(run.seconds)}`,
    `  ${doneText(run)}; by ${run.user === '' ? 'unknown' : run.user} on ${branch}${commit}`,
    ...alignRows(rows, ['left', 'right', 'left']),
  ];
}

/** A run without an end may not have got to anything. */
function doneText({ state, counts }: RunReport): string {
  if (state !== 'running' && state !== 'lost') return countsText(counts);
  return Object.values(counts).some((count) => count > 0) ? countsText(counts) : 'nothing finished';
}

function acceptedIn(stage: RunStageReport): RunStageReport['whyNot'] {
  return stage.whyNot.filter(({ kind }) => kind === 'accepted');
}

function stateWord(state: RunState, style: Style): string {
  const paint = {
    done: style.good,
    failed: style.bad,
    lost: style.bad,
    cancelled: style.warn,
    detached: style.warn,
    running: style.accent,
  };
  return paint[state](state);
}

/** `datawf log --stats`: what each stage cost. */
export function statsText(stats: LogStats, look: Look): string {
  const head = `${plural(stats.runs, 'run')}: ${stats.done} done, ${stats.failed} failed, ${formatSeconds(stats.seconds)} in all`;
  if (stats.stages.length === 0) return `${head}\n`;
  const title = ['stage', 'runs', 'ran', 'cached', 'failed', 'in all', 'attempts', 'median', 'p95', 'trend'];
  const rows = stats.stages.map(({ attempts, ...stage }) => [
    look.style.bold(stage.stage),
    String(stage.runs),
    String(stage.ran),
    String(stage.cached + stage.identical),
    String(stage.failed),
    formatSeconds(stage.seconds.total),
    String(attempts.count),
    attempts.median === null ? '' : formatSeconds(attempts.median),
    attempts.p95 === null ? '' : formatSeconds(attempts.p95),
    attempts.trend === null ? '' : percentText(attempts.trend),
  ]);
  const right = new Array<'right'>(title.length - 1).fill('right');
  const table = alignRows([title.map((word) => look.style.dim(word)), ...rows], ['left', ...right]);
  return `${head}\n\n${table.join('\n')}\n`;
}

/** A change as people say it: `+12 %`, `-3 %`. */
function percentText(share: number): string {
  const percent = Math.round(share * 100);
  return `${percent > 0 ? '+' : ''}${percent} %`;
}

/** `datawf show RUN`: everything remembered of one run. */
export function showText(run: ShownRun, look: Look): string {
  const { style } = look;
  const { totals } = run;
  const facts = [
    ['command', ['datawf', ...run.argv].join(' ')],
    ['on', `${run.host}, datawf ${run.client}, environment ${run.environment}`],
    [
      'commands took',
      `${formatSeconds(totals.commandSeconds)} in ${plural(run.attempts, 'attempt')}, ${formatSeconds(totals.cpuSeconds)} of CPU`,
    ],
    [
      'data',
      `${formatBytes(totals.bytesIn)} in, ${formatBytes(totals.bytesOut)} out, ${formatBytes(totals.peakMemory)} peak memory`,
    ],
  ];
  const quiet = run.stages.filter((stage) => stage.whyNot.length > 0);
  const blocks = [
    [
      ...headLines(run, look),
      ...alignRows(facts.map(([name = '', value = '']) => [`  ${style.dim(name)}`, value])),
    ],
    quiet.length === 0
      ? []
      : [
          'Not run',
          ...alignRows(quiet.map((stage) => [`  ${style.bold(stage.stage)}`, whyNotText(stage.whyNot)])),
        ],
    run.failures.length === 0
      ? []
      : [style.bad('Failed'), ...run.failures.flatMap((attempt) => failureLines(run.run, attempt))],
    run.slowest.length < 2
      ? []
      : [
          'Slowest',
          ...alignRows(
            run.slowest.map((attempt) => [
              `  ${formatSeconds(attempt.seconds)}`,
              nameOf(attempt),
              memoryText(attempt),
            ]),
          ),
        ],
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

const WHY_NOT: Readonly<Record<string, string>> = {
  current: 'current',
  cached: 'restored from the run cache',
  'identical-upstream': 'its inputs turned out the same',
  filtered: 'outside the selection',
  waiting: 'waiting',
  blocked: 'behind a failure',
  frozen: 'frozen',
  accepted: 'accepted',
  stopped: 'not come to, the run stopped',
};

function whyNotText(list: RunStageReport['whyNot']): string {
  return list
    .map(
      ({ kind, count, detail }) =>
        `${count} ${WHY_NOT[kind] ?? kind}${detail === undefined ? '' : ` (${detail})`}`,
    )
    .join(', ');
}

function failureLines(run: string, attempt: AttemptReport): readonly string[] {
  const stderr = (attempt.stderr ?? '').trimEnd();
  return [
    `  ${nameOf(attempt)}: ${attempt.message ?? attempt.class ?? 'failed'} (attempt ${attempt.attempt}, ${formatSeconds(attempt.seconds)})`,
    ...(stderr === ''
      ? []
      : stderr
          .split('\n')
          .slice(-10)
          .map((line) => `      ${line}`)),
    `    its log: datawf logs ${run} ${nameOf(attempt)}`,
  ];
}

function memoryText(attempt: AttemptReport): string {
  return attempt.peakMemory === undefined ? '' : formatBytes(attempt.peakMemory);
}

function nameOf(datum: {
  readonly stage: string;
  readonly captures: Readonly<Record<string, string>>;
}): string {
  const captures = formatCaptures(datum.captures);
  return captures === '' ? datum.stage : `${datum.stage} ${captures}`;
}

/** Lines of logs; each names its datum unless all are one's. */
export function logLinesText(lines: readonly LogLineReport[], look: Look, single: boolean): string {
  const text = lines.map((line) => {
    const lead = single
      ? ''
      : look.style.dim(`${nameOf(line)}${line.attempt > 1 ? ` (attempt ${line.attempt})` : ''} | `);
    return `${lead}${line.text}\n`;
  });
  return text.join('');
}
