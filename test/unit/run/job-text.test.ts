import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../src/model/digest.ts';
import type { DatumTask, JobPlan, TaskOutcome } from '../../../src/run/job-plan.ts';
import {
  formatOutcomes,
  formatPlan,
  formatTasks,
  formatWorker,
  parseOutcomes,
  parsePlan,
  parseTasks,
  parseWorker,
} from '../../../src/run/job-text.ts';
import { dep, out, stageWork } from '../../rig/runner-rig.ts';
import type { SandboxFile } from '../../../src/run/runner.ts';

const DIGEST = 'ab'.repeat(32) as Digest;
const FILE: SandboxFile = { path: 'data/1.csv', kind: 'f', digest: DIGEST, size: 3, from: 'store' };

function plan(): JobPlan {
  const { secrets: _, ...work } = stageWork(['cp', '$raw', '$clean'], {
    code: [{ ...FILE, path: 'clean.py', kind: 'x' }],
    broadcast: [dep('table', { ...FILE, path: 'table.csv' })],
    env: { MODE: 'fast' },
    stage: { base: 'sub', image: 'busybox:1', timeoutSeconds: 3 },
  });
  return {
    version: '1.2.3',
    run: '01J00000000000000000000000',
    job: 'a1',
    stage: 'sub:clean',
    code: DIGEST,
    work: { ...work, secretNames: ['TOKEN'] },
    batches: 4,
    workers: 2,
    memory: 1 << 30,
    disk: undefined,
  };
}

const TASK: DatumTask = {
  work: {
    id: 'date=1',
    captures: new Map([['date', '1']]),
    deps: [dep('raw', FILE)],
    outs: [out('clean', 'clean/1.csv')],
  },
  input: DIGEST,
  deps: { raw: 'x' },
  attempt: 2,
};

const OUTCOME: TaskOutcome = {
  id: 'date=1',
  input: DIGEST,
  attempt: 1,
  outcome: {
    state: 'failed',
    class: 'user',
    code: 'exit',
    message: 'the command ended with exit code 3',
    exit: 3,
    stderr: 'no\n',
    retry: true,
    usage: { started: 1, ended: 2, cpuSeconds: 0.5, peakMemory: undefined, bytesIn: 3, bytesOut: 0 },
  },
  made: { image: 'busybox:1', sandbox: true },
  place: {
    node: 'n',
    pod: 'p',
    serviceAccount: 's',
    uid: 20001,
    stageIn: 1,
    staged: 2,
    uploaded: 3,
  },
};

describe('the texts of a Job', () => {
  it('keep what a pod needs of a plan', () => {
    const given = plan();
    const read = parsePlan(formatPlan(given));
    const { id, base, cmd, image, sandbox, timeoutSeconds } = given.work.stage;
    expect(read).toEqual({
      ...given,
      work: { ...given.work, stage: { id, base, cmd, image, sandbox, timeoutSeconds } },
    });
  });

  it('keep tasks, outcomes and states of workers', () => {
    expect(parseTasks(formatTasks([TASK, { ...TASK, deps: undefined }]))).toEqual([
      TASK,
      { ...TASK, deps: undefined },
    ]);
    const usage = { ...OUTCOME.outcome.usage, peakMemory: 5 };
    const ok: TaskOutcome = {
      ...OUTCOME,
      outcome: { state: 'ok', outs: [{ path: 'a', kind: 'f', digest: DIGEST, size: 1 }], usage },
    };
    expect(parseOutcomes(formatOutcomes([OUTCOME, ok]))).toEqual([OUTCOME, ok]);
    const state = {
      index: 1,
      pod: 'p',
      node: 'n',
      seen: 5,
      done: 2,
      running: { id: 'x', since: 4, peakMemory: 1 },
    };
    expect(parseWorker(formatWorker(state))).toEqual(state);
  });

  it.each([
    ['a path that leaves the repository', '"data/1.csv"', '"../1.csv"', /leaves or repeats a folder/],
    ["a path in git's folder", '"clean/1.csv"', '".git/config"', /path lies in git's own folder/],
    ['a digest that is none', `"${DIGEST}",3`, '"abc",3', /digest is no digest/],
    ['an attempt that is none', '"attempt":2', '"attempt":0', /attempt is no whole number from 1 on/],
    ['a size that is none', `"${DIGEST}",3`, `"${DIGEST}",-3`, /size is no amount/],
    ['half a line', '"attempt":2', '', /line 1 is no JSON/],
  ])('refuse %s in a task', (_what, from, to, message) => {
    const text = formatTasks([TASK]);
    expect(text).toContain(from);
    expect(() => parseTasks(text.replace(from, to))).toThrow(message);
  });

  it.each([
    ['a run that could be another path', '"01J00000000000000000000000"', '"../x"', /run can't be/],
    ['no workers', '"workers":2', '"workers":0', /workers is no whole number from 1 on/],
    ['variables that are no text', '"fast"', '7', /MODE is no text/],
  ])('refuse %s in a plan', (_what, from, to, message) => {
    const text = formatPlan(plan());
    expect(text).toContain(from);
    expect(() => parsePlan(text.replace(from, to))).toThrow(message);
  });

  it('refuse an unknown class of failure', () => {
    const text = formatOutcomes([OUTCOME]).replace('"user"', '"other"');
    expect(() => parseOutcomes(text)).toThrow(/class is none of/);
  });
});
