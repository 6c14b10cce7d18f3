import { isUlid, ulidTime } from '../util/ulid.ts';

/*
 * Names of the history in a store:
 *
 *     runs/<inverted time>-<run>.json                 a run's head: one file per run, the newest first in a plain LIST
 *     runs/<run>/alive.json                           its heartbeat, while it works longer than one beat
 *     logs/<run>/_records/<n>.ndjson.gz               stages, attempts and rows as they were flushed
 *     logs/<run>/<stage>/<batch>-<n>.ndjson.gz        output of commands; n counts over all stages, so it orders them
 *
 * Records lie below logs/, so that listing runs doesn't list them.
 */

/** Milliseconds from which a time is taken away, so that a later one sorts first: 13 digits until the year 2286. */
const LATEST = 9_999_999_999_999;

/** Name of a run's head; the time is in the id. */
export function headName(run: string): string {
  return `runs/${String(LATEST - ulidTime(run)).padStart(13, '0')}-${run}.json`;
}

const HEAD_NAME = 'runs/9999999999999-01ARZ3NDEKTSV4RRFFQ69G5FAV.json';

/** The run that a name below `runs/` is the head of, or undefined. */
export function runOfHead(name: string): string | undefined {
  if (name.length !== HEAD_NAME.length || name.charAt(18) !== '-') return undefined;
  const run = name.slice(19, 45);
  // A log of many runs spends a third of its time here: one look at the form, and the name made again.
  return isUlid(run) && headName(run) === name ? run : undefined;
}

export function heartbeatName(run: string): string {
  return `runs/${run}/alive.json`;
}

const RECORDS = '_records';

export function recordsPrefix(run: string): string {
  return `logs/${run}/${RECORDS}/`;
}

/** The n-th piece of a run's records. */
export function recordsName(run: string, n: number): string {
  return `${recordsPrefix(run)}${padded(n)}.ndjson.gz`;
}

export function logsPrefix(run: string): string {
  return `logs/${run}/`;
}

/** A stage's id is written percent-encoded: `sub:clean` has a colon, folders have slashes. `batch` is one executor's part. */
export function logName(
  run: string,
  stage: string,
  piece: { readonly batch: string; readonly n: number },
): string {
  return `${logsPrefix(run)}${encodeURIComponent(stage)}/${piece.batch}-${padded(piece.n)}.ndjson.gz`;
}

/** What a name below `logs/<run>/` is a log of, or undefined. */
export function readLogName(name: string): { readonly stage: string; readonly n: number } | undefined {
  const match = /^logs\/[^/]+\/([^/]+)\/[^/-]+-(\d+)\.ndjson\.gz$/.exec(name);
  const [, folder, n] = match ?? [];
  if (folder === undefined || n === undefined || folder === RECORDS) return undefined;
  try {
    return { stage: decodeURIComponent(folder), n: Number(n) };
  } catch {
    return undefined;
  }
}

function padded(n: number): string {
  return String(n).padStart(6, '0');
}
