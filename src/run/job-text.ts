import { dataFault, repoPath, type RepoPath } from '../model/repo-path.ts';
import type { ResultRecord } from '../model/result.ts';
import type { StageId } from '../model/stage.ts';
import type { DatumTask, JobPlan, TaskOutcome, TaskPlace, WorkerState } from './job-plan.ts';
import { JsonReader } from './json-reader.ts';
import { readAttempt } from './outcome-text.ts';
import type { CommandWork, DatumWork, SandboxDep, SandboxFile, SandboxOut } from './runner.ts';

/*
 * The texts of job-plan.ts, written and read. What is read comes from a store and is trusted by nobody: a wrong field throws
 * a Problem `bad-message` (exit 7) that names it.
 */

export function formatPlan(plan: JobPlan): string {
  const { stage, code, broadcast, env, secretNames } = plan.work;
  const { id, base, cmd, image, sandbox, timeoutSeconds } = stage;
  const work = {
    stage: { id, base, cmd, image, sandbox, timeoutSeconds },
    code: code.map(fileRow),
    broadcast: broadcast.map(depRow),
    env,
    secretNames,
  };
  return `${JSON.stringify({ ...plan, work })}\n`;
}

export function parsePlan(text: string): JobPlan {
  const plan = JsonReader.parse(text, 'plan.json');
  const work = plan.object('work');
  return {
    version: plan.text('version'),
    run: plan.match('run', NAME),
    job: plan.match('job', NAME),
    stage: plan.text('stage'),
    code: plan.digest('code'),
    work: {
      stage: readStage(work.object('stage')),
      code: work.list('code').map((row) => readFile(row, work)),
      broadcast: work.objects('broadcast').map(readDep),
      env: work.textMap('env'),
      secretNames: work.texts('secretNames'),
    },
    batches: plan.count('batches'),
    workers: plan.count('workers', 1),
    memory: plan.optionalAmount('memory'),
    disk: plan.optionalAmount('disk'),
  };
}

const NAME = /^[0-9A-Za-z]{1,60}$/;

function readStage(stage: JsonReader): CommandWork['stage'] {
  const base = stage.text('base');
  return {
    id: stage.text('id') as StageId,
    base: base === '' ? '' : repoPath(base),
    cmd: stage.textOrTexts('cmd'),
    image: stage.optionalText('image'),
    sandbox: stage.oneOf('sandbox', ['full', 'none']),
    timeoutSeconds: stage.optionalAmount('timeoutSeconds'),
  };
}

/** The tasks of a batch in the order in which they run. */
export function formatTasks(tasks: readonly DatumTask[]): string {
  return lines(tasks.map(({ work, ...task }) => ({ ...task, work: workRow(work) })));
}

export function parseTasks(text: string): readonly DatumTask[] {
  return readLines(text, 'batch').map((task) => ({
    work: readWork(task.object('work')),
    input: task.digest('input'),
    deps: task.has('deps') ? task.textMap('deps') : undefined,
    attempt: task.count('attempt', 1),
  }));
}

/** The outcomes of one flush. */
export function formatOutcomes(outcomes: readonly TaskOutcome[]): string {
  return lines(outcomes);
}

export function parseOutcomes(text: string): readonly TaskOutcome[] {
  return readLines(text, 'outcomes').map((outcome) => ({
    id: outcome.text('id'),
    input: outcome.digest('input'),
    attempt: outcome.count('attempt', 1),
    outcome: readAttempt(outcome.object('outcome')),
    made: readMade(outcome.object('made')),
    place: readPlace(outcome.object('place')),
  }));
}

export function formatWorker(state: WorkerState): string {
  return `${JSON.stringify(state)}\n`;
}

export function parseWorker(text: string): WorkerState {
  const state = JsonReader.parse(text, 'worker');
  const running = state.has('running') ? readRunning(state.object('running')) : undefined;
  return {
    index: state.count('index'),
    pod: state.text('pod'),
    node: state.text('node'),
    seen: state.amount('seen'),
    ...(running === undefined ? {} : { running }),
    done: state.count('done'),
  };
}

function readRunning(running: JsonReader): NonNullable<WorkerState['running']> {
  const peakMemory = running.optionalAmount('peakMemory');
  return {
    id: running.text('id'),
    since: running.amount('since'),
    ...(peakMemory === undefined ? {} : { peakMemory }),
  };
}

function readPlace(place: JsonReader): TaskPlace {
  return {
    node: place.text('node'),
    pod: place.text('pod'),
    serviceAccount: place.text('serviceAccount'),
    uid: place.count('uid'),
    stageIn: place.amount('stageIn'),
    staged: place.amount('staged'),
    uploaded: place.amount('uploaded'),
  };
}

function readMade(made: JsonReader): ResultRecord['made'] {
  const host = made.optionalText('host');
  const image = made.optionalText('image');
  return {
    ...(host === undefined ? {} : { host }),
    ...(image === undefined ? {} : { image }),
    sandbox: made.flag('sandbox'),
  };
}

function workRow(work: DatumWork): unknown {
  return {
    id: work.id,
    captures: Object.fromEntries(work.captures),
    deps: work.deps.map(depRow),
    outs: work.outs,
  };
}

function readWork(work: JsonReader): DatumWork {
  return {
    id: work.text('id'),
    captures: new Map(Object.entries(work.textMap('captures'))),
    deps: work.objects('deps').map(readDep),
    outs: work.objects('outs').map(readOut),
  };
}

function depRow({ name, value, files, access }: SandboxDep): unknown {
  return { name, value, files: files.map(fileRow), access };
}

function readDep(dep: JsonReader): SandboxDep {
  const value = dep.text('value');
  return {
    name: dep.text('name'),
    value: value === '' ? '' : pathOf(value, dep, 'value'),
    files: dep.list('files').map((row) => readFile(row, dep)),
    ...(dep.has('access') ? { access: dep.oneOf('access', ['url']) } : {}),
  };
}

function readOut(out: JsonReader): SandboxOut {
  return {
    name: out.text('name'),
    path: pathOf(out.text('path'), out, 'path'),
    directory: out.flag('directory'),
    optional: out.flag('optional'),
  };
}

/** A row a file, as in results: a broadcast dep may have a million. */
function fileRow({ kind, digest, size, path }: SandboxFile): unknown {
  return [kind, digest, size, path];
}

function readFile(row: unknown, at: JsonReader): SandboxFile {
  const [kind, digest, size, path] = Array.isArray(row) ? (row as readonly unknown[]) : [];
  const file = new JsonReader({ kind, digest, size, path }, at.what);
  return {
    path: pathOf(file.text('path'), file, 'path'),
    kind: file.oneOf('kind', ['f', 'x', 'l']),
    digest: file.digest('digest'),
    size: file.count('size'),
    from: 'store',
  };
}

function pathOf(text: string, at: JsonReader, name: string): RepoPath {
  const fault = dataFault(text);
  if (fault !== undefined) throw at.bad(name, fault);
  return text as RepoPath;
}

function lines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

function readLines(text: string, what: string): readonly JsonReader[] {
  return text
    .split('\n')
    .flatMap((line, index) => (line === '' ? [] : [JsonReader.parse(line, `${what}, line ${index + 1}`)]));
}
