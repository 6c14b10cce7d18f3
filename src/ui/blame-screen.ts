import type {
  BlamedData,
  BlamedDatum,
  BlamedInput,
  BlamedRun,
  BlameReport,
} from '../model/history-report.ts';
import { formatAge, formatCaptures, formatSeconds, formatTime, plural } from './format.ts';
import type { Look } from './look.ts';
import { alignRows } from './table.ts';

const INPUTS = 20;

/** `datawf blame PATH`: the datum with its run, command and inputs; of several datums the runs that made them. */
export function blameText(report: BlameReport, look: Look): string {
  const { style } = look;
  const name = report.ref === null ? report.path : `${report.ref}:${report.path}`;
  const what = report.digest === null ? plural(report.files, 'file') : report.digest;
  const blocks = [
    [`${style.bold(name === '' ? '.' : name)}  ${style.dim(what)}`],
    report.datum === null ? shareLines(report, look) : datumLines(report.datum, look),
    ...report.added.map((data) => addedLines(data, look)),
  ];
  return `${blocks.flat().join('\n')}\n`;
}

function datumLines(datum: BlamedDatum, look: Look): readonly string[] {
  const { style } = look;
  const { made, seconds, code } = datum;
  const captures = formatCaptures(datum.captures);
  const facts: (readonly [string, string])[] = [
    ['made by', `stage ${[style.bold(datum.stage), captures].filter((part) => part !== '').join(' ')}`],
    [
      'run',
      datum.run === null ? 'not known: no store of this branch has its result' : runText(datum.run, look),
    ],
  ];
  if (datum.run?.argv !== undefined) facts.push(['typed', ['datawf', ...datum.run.argv].join(' ')]);
  if (datum.restoredBy !== null)
    facts.push(['restored', `from the run cache by ${runText(datum.restoredBy, look)}`]);
  if (datum.failed) facts.push(['since', style.bad('its last attempt failed; this is the last good result')]);
  if (code.cmd !== null) facts.push(['command', commandText(code.cmd)]);
  facts.push(['code', [short(code.digest), ...Object.keys(code.files)].join(' ')]);
  for (const [param, value] of Object.entries(code.params))
    facts.push(['param', `${param} = ${JSON.stringify(value)}`]);
  if (made !== null) {
    const where = made.image === undefined ? (made.host ?? 'host') : `image ${made.image}`;
    const took = seconds === null ? '' : `, took ${formatSeconds(seconds)}`;
    facts.push(['where', `${where}${made.sandbox ? '' : ', without sandbox'}${took}`]);
  }
  return [
    ...alignRows(facts.map(([name, value]) => [`  ${style.dim(name)}`, value])),
    ...(datum.inputs === null
      ? ['  inputs not known']
      : datum.inputs.flatMap((input) => inputLines(input, look))),
  ];
}

function inputLines(input: BlamedInput, look: Look): readonly string[] {
  const count = input.files === null ? 'files that are not listed here' : plural(input.files, 'file');
  const tree = input.tree === null ? '' : ` (tree ${short(input.tree)})`;
  const rows = input.paths
    .slice(0, INPUTS)
    .map(({ path, digest }) => [`      ${path}`, look.style.dim(short(digest))]);
  const more = (input.files ?? 0) - rows.length;
  return [
    `  ${look.style.dim('from')} ${input.dep}: ${count}${tree}`,
    ...alignRows(rows),
    ...(more > 0 && rows.length > 0 ? [`      and ${more} more`] : []),
  ];
}

function shareLines(report: BlameReport, look: Look): readonly string[] {
  const rows = report.runs.map(({ stage, run, datums, files }) => [
    `  ${look.style.bold(stage)}`,
    plural(datums, 'datum'),
    plural(files, 'file'),
    run === null ? 'by a run that is not known' : `by ${runText(run, look)}`,
  ]);
  return alignRows(rows, ['left', 'right', 'right', 'left']);
}

function addedLines({ dataset, files, commit }: BlamedData, look: Look): readonly string[] {
  const head = `  added by hand (${dataset}.datawf), ${plural(files, 'file')}`;
  if (commit === null) return [head, '  no commit has recorded this version yet'];
  return [
    head,
    `  recorded by commit ${look.style.accent(commit.commit.slice(0, 10))}, ${timeText(commit.time, look)}, by ${commit.author}: ${commit.subject}`,
  ];
}

function runText(run: BlamedRun, look: Look): string {
  const name = look.style.accent(run.run);
  if (!run.recorded || run.start === undefined) return `${name}, whose record is not here`;
  const at = run.commit === null || run.commit === undefined ? '' : ` at ${run.commit.slice(0, 10)}`;
  const where = `${run.branch ?? 'detached'}${at}${run.dirty === true ? ' with edits' : ''}`;
  return `${name}, ${run.kind ?? 'run'}, ${timeText(run.start, look)}, by ${run.user === undefined || run.user === '' ? 'unknown' : run.user} on ${where}`;
}

function timeText(time: string, look: Look): string {
  return `${formatTime(time)} (${formatAge(look.now - Date.parse(time))})`;
}

function commandText(cmd: string | readonly string[]): string {
  return (typeof cmd === 'string' ? cmd : cmd.join(' ')).trim().replaceAll('\n', '; ');
}

function short(digest: string): string {
  return digest.slice(0, 10);
}
