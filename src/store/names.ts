import { pathFault } from '../model/repo-path.ts';
import { invalid } from '../model/problem.ts';

const SEGMENT = /^[0-9A-Za-z]+-[0-9A-Za-z]+-[0-9]+\.ndjson$/;

/** Whether a text can name a result segment, `<run>-<batch>-<n>.ndjson`. */
export function isSegmentName(name: string): boolean {
  return SEGMENT.test(name);
}

/** Refuses a name that isn't a segment's (`bad-name`, exit 2). */
export function checkSegmentName(name: string): void {
  if (!isSegmentName(name)) throw badName(name, 'is no <run>-<batch>-<n>.ndjson');
}

const TOP = /^(refs|runs|logs)\//;

/** Refuses a name that isn't of a file below `refs/`, `runs/` or `logs/` (`bad-name`, exit 2). */
export function checkFileName(name: string): void {
  const fault = TOP.test(name) ? pathFault(name) : 'is not below refs/, runs/ or logs/';
  if (fault !== undefined) throw badName(name, fault);
}

/** The same for a prefix to list, which ends in `/`. */
export function checkPrefix(prefix: string): void {
  const fault =
    TOP.test(prefix) && prefix.endsWith('/')
      ? undefined
      : 'is not below refs/, runs/ or logs/, with / at its end';
  if (fault !== undefined) throw badName(prefix, fault);
  if (!/^(refs|runs|logs)\/$/.test(prefix)) checkFileName(prefix.slice(0, -1));
}

function badName(name: string, fault: string): Error {
  return invalid('bad-name', `the store's name ${JSON.stringify(name)} ${fault}`);
}
