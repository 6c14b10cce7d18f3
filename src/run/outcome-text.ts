import type { FailureClass } from '../model/outcome.ts';
import { dataFault } from '../model/repo-path.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { JsonReader } from './json-reader.ts';
import type { AttemptOutcome, AttemptUsage } from './runner.ts';

const CLASSES: readonly FailureClass[] = [
  'user',
  'oom',
  'timeout',
  'evicted',
  'preempted',
  'image',
  'unschedulable',
  'infra',
  'cancelled',
  'lost',
];

/** How an attempt ended, from JSON that nobody trusts; see JsonReader. */
export function readAttempt(outcome: JsonReader): AttemptOutcome {
  const state = outcome.oneOf('state', ['ok', 'waiting', 'failed']);
  const usage = readUsage(outcome.object('usage'));
  if (state === 'waiting') return { state, usage };
  if (state === 'ok') return { state, outs: outcome.objects('outs').map(readEntry), usage };
  const hint = outcome.optionalText('hint');
  const signal = outcome.optionalText('signal');
  return {
    state,
    class: outcome.oneOf('class', CLASSES),
    code: outcome.match('code', /^[a-z0-9-]+$/),
    message: outcome.text('message'),
    ...(hint === undefined ? {} : { hint }),
    ...(outcome.has('exit') ? { exit: outcome.count('exit') } : {}),
    ...(signal === undefined ? {} : { signal }),
    ...(outcome.has('paths') ? { paths: outcome.texts('paths') } : {}),
    stderr: outcome.text('stderr'),
    usage,
    retry: outcome.flag('retry'),
  };
}

function readUsage(usage: JsonReader): AttemptUsage {
  return {
    started: usage.amount('started'),
    ended: usage.amount('ended'),
    cpuSeconds: usage.optionalAmount('cpuSeconds'),
    peakMemory: usage.optionalAmount('peakMemory'),
    bytesIn: usage.amount('bytesIn'),
    bytesOut: usage.amount('bytesOut'),
  };
}

function readEntry(entry: JsonReader): FileEntry {
  const path = entry.text('path');
  const fault = dataFault(path);
  if (fault !== undefined) throw entry.bad('path', fault);
  return {
    path,
    kind: entry.oneOf('kind', ['f', 'x', 'l']),
    digest: entry.digest('digest'),
    size: entry.count('size'),
  };
}
