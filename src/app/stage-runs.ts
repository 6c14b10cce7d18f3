import type { FileEntry } from '../model/file-entry.ts';
import { renderPath } from '../model/pattern.ts';
import { isFiner } from '../model/period.ts';
import type { Dep } from '../model/stage.ts';
import type { DatumWork, Runner, SandboxDep, SandboxFile, SandboxOut, StageSession } from '../run/runner.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { AppContext } from './ports.ts';
import { runSecrets, runVariables } from './stage-facts.ts';
import type { StageState } from './stage-state.ts';

/** Sessions of the stages that have something to run: opened with the first datum, closed with the last. */
export interface StageRuns {
  session(state: StageState): Promise<StageSession>;
  close(state: StageState): Promise<void>;
  closeAll(): Promise<void>;
}

export interface StageRunsParts {
  readonly runner: Runner;
  /** Seconds that a datum of a stage took in earlier runs. */
  readonly usualSeconds: (state: StageState) => Promise<number | undefined>;
}

export function openStageRuns(ctx: AppContext, { runner, usualSeconds }: StageRunsParts): StageRuns {
  const sessions = new Map<StageState, Promise<StageSession>>();
  const open = async (state: StageState): Promise<StageSession> => {
    const { stage } = state.node;
    const isElsewhere = runner.takes !== undefined;
    const work = {
      stage,
      code: state.options.facts.code.map((entry) => sandboxFile(entry, 'workspace')),
      broadcast: await broadcastDeps(state),
      env: runVariables(stage, state.options.facts),
      secrets: isElsewhere ? {} : runSecrets(ctx, stage),
    };
    if (!isElsewhere) return await runner.openStage(work);
    return await runner.openStage(work, { code: state.code, usualSeconds: await usualSeconds(state) });
  };
  const close = async (state: StageState): Promise<void> => {
    const session = sessions.get(state);
    sessions.delete(state);
    await (await session?.catch(() => undefined))?.close();
  };
  return {
    session: (state) => {
      let session = sessions.get(state);
      if (session === undefined) {
        session = open(state);
        sessions.set(state, session);
      }
      return session;
    },
    close,
    closeAll: async () => {
      for (const state of [...sessions.keys()]) await close(state);
    },
  };
}

/** What a datum's sandbox holds and what it writes. */
export function datumWork(datum: DatumPlan<StageState>): DatumWork {
  const state = datum.stage;
  const { stage } = state.node;
  const deps: SandboxDep[] = [];
  for (const [index, dep] of stage.deps.entries()) {
    const indexes = datum.spec.files[index];
    if (indexes !== undefined) deps.push(sandboxDep(state, dep, sandboxFiles(state, index, indexes)));
  }
  const outs: SandboxOut[] = stage.outs.map((out) => ({
    name: out.name,
    path: renderPath(out.pattern, datum.spec.captures),
    directory: out.pattern.shape === 'directory',
    optional: out.optional,
  }));
  return { id: datum.id, captures: datum.spec.captures, deps, outs };
}

async function broadcastDeps(state: StageState): Promise<SandboxDep[]> {
  const deps: SandboxDep[] = [];
  for (const [index, dep] of state.node.stage.deps.entries()) {
    const indexes = state.set?.broadcast.get(index);
    if (indexes === undefined) continue;
    const whole = state.wholes[index];
    const files =
      whole === undefined
        ? sandboxFiles(state, index, indexes)
        : (await whole.load()).map((entry) => sandboxFile(entry, 'store'));
    deps.push(sandboxDep(state, dep, files));
  }
  return deps;
}

function sandboxFiles(state: StageState, dep: number, indexes: readonly number[]): SandboxFile[] {
  const entries = state.filesAt(dep, indexes);
  const view = state.views[dep];
  const sources = new Map(indexes.map((index) => [view?.paths[index], view?.sources[index] ?? 'store']));
  return entries.map((entry) => sandboxFile(entry, sources.get(entry.path) ?? 'store'));
}

function sandboxFile(entry: FileEntry, from: SandboxFile['from']): SandboxFile {
  return { path: entry.path, kind: entry.kind, digest: entry.digest, size: entry.size, from };
}

/** The dep's variable: the one file it can be at the datum's grain, else the folder before its first capture or wildcard. */
function sandboxDep(state: StageState, dep: Dep, files: readonly SandboxFile[]): SandboxDep {
  const [first] = files;
  const base = { name: dep.name, files, ...(dep.access === 'url' ? { access: 'url' as const } : {}) };
  if (first === undefined) return { ...base, value: dep.optional ? '' : dep.pattern.home };
  return { ...base, value: isOneFile(state, dep) ? first.path : dep.pattern.home };
}

function isOneFile(state: StageState, dep: Dep): boolean {
  if (dep.pattern.shape !== 'file' || dep.window !== undefined) return false;
  const outs = state.node.stage.outs;
  return dep.pattern.captures.every((name) => {
    const grain = dep.pattern.times.get(name);
    const datumGrain = outs.find((out) => out.pattern.times.has(name))?.pattern.times.get(name);
    const isCapture = outs.some((out) => out.pattern.captures.includes(name));
    return isCapture && (grain === undefined || datumGrain === undefined || !isFiner(grain, datumGrain));
  });
}
