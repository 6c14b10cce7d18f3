import { cpSync, lstatSync, mkdirSync, renameSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { errnoOf, fsProblem } from '../disk/fs-problem.ts';
import { parentOf } from '../model/repo-path.ts';
import { attempt, failedOutcome, notRun, type Attempt, type LocalTools } from './attempt.ts';
import { allDeps, placedFiles } from './command-env.ts';
import { inputChanged } from './input-damage.ts';
import { createMask } from './mask.ts';
import { collectOutputs } from './outputs.ts';
import type { AttemptOutcome, DatumWork, LogLine, SandboxFile, StageSession, CommandWork } from './runner.ts';
import { SandboxFault, type Failure } from './sandbox-fault.ts';
import { removeFolder } from './sandbox-home.ts';
import type { Sandbox } from './sandbox.ts';
import { createUrlLists } from './url-list.ts';

/** Lets one at a time do something, in the order of asking. */
export type Turnstile = <T>(work: () => Promise<T>) => Promise<T>;

export function createTurnstile(): Turnstile {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/**
 * A stage with `sandbox: none`: its command runs in the working tree, in turn with all others of that kind. What is in the
 * place of its outs is set aside and comes back unless the command ends well; what it writes stays and is copied into the
 * store. Undeclared reads and writes go unnoticed; changed inputs don't.
 */
export function openUnsandboxedSession(
  tools: LocalTools,
  stage: CommandWork,
  turnstile: Turnstile,
): StageSession {
  const mask = createMask(Object.values(stage.secrets));
  const urlLists = createUrlLists(stage, tools.urls);

  const runNow = async (
    work: DatumWork,
    log: (line: LogLine) => void,
    signal: AbortSignal,
  ): Promise<AttemptOutcome> => {
    const sandbox = tools.takeSandbox();
    try {
      sandbox.list(stage, work, await urlLists(work, signal));
      const inputs = [...stage.code, ...allDeps(stage, work).flatMap(placedFiles)];
      const before = stampsOf(tools.root, inputs);
      const absent = inputs.filter((file) => !before.has(file));
      if (absent.length > 0) return failedOutcome(inputMissing(absent), notRun(tools.now()), mask);
      const aside = setAside(tools.root, work, sandbox);
      let done = false;
      try {
        const plan = {
          stage,
          work,
          mask,
          log,
          signal,
          top: tools.root,
          places: sandbox.places,
          own: undefined,
        };
        const ran = await attempt(tools, plan);
        const outcome = await settle(work, ran, changedSince(tools.root, before));
        done = outcome.state === 'ok';
        return outcome;
      } finally {
        if (!done) bringBack(tools.root, work, aside);
      }
    } catch (error) {
      if (error instanceof SandboxFault) return failedOutcome(error.failure, notRun(tools.now()), mask);
      throw fsProblem(error, 'run a stage without sandbox in', tools.root);
    } finally {
      tools.giveBack(sandbox, false);
    }
  };

  const settle = async (
    work: DatumWork,
    ran: Attempt,
    changed: readonly SandboxFile[],
  ): Promise<AttemptOutcome> => {
    if (changed.length > 0) return failedOutcome(await inputChanged(tools, changed), ran, mask);
    if (ran.verdict.kind === 'failed') return failedOutcome(ran.verdict.failure, ran, mask);
    if (ran.verdict.kind === 'waiting') return { state: 'waiting', usage: { ...ran.usage, bytesOut: 0 } };
    const outputs = collectOutputs(tools.root, work.outs);
    if (!outputs.ok) return failedOutcome(outputs.failure, ran, mask);
    const outs = await tools.intake.take(outputs.files, 'copy');
    const bytesOut = outs.reduce((sum, entry) => sum + entry.size, 0);
    return { state: 'ok', outs, usage: { ...ran.usage, bytesOut } };
  };

  return {
    run: (work, log, signal) => turnstile(() => runNow(work, log, signal)),
    close: async () => undefined,
  };
}

function stampsOf(root: string, files: readonly SandboxFile[]): Map<SandboxFile, Stats> {
  const stamps = new Map<SandboxFile, Stats>();
  for (const file of files) {
    const stat = lstatSync(`${root}/${file.path}`, { throwIfNoEntry: false });
    if (stat !== undefined) stamps.set(file, stat);
  }
  return stamps;
}

function changedSince(root: string, before: ReadonlyMap<SandboxFile, Stats>): readonly SandboxFile[] {
  return [...before].flatMap(([file, was]) => {
    const is = lstatSync(`${root}/${file.path}`, { throwIfNoEntry: false });
    return is?.ino === was.ino && is.size === was.size && is.mtimeMs === was.mtimeMs ? [] : [file];
  });
}

/** Moves what is in the place of the outs into the sandbox's folder and makes empty places. */
function setAside(root: string, work: DatumWork, sandbox: Sandbox): ReadonlyMap<string, string> {
  const aside = new Map<string, string>();
  work.outs.forEach((out, index) => {
    const place = `${root}/${out.path}`;
    if (lstatSync(place, { throwIfNoEntry: false }) !== undefined) {
      const to = `${sandbox.work}/aside-${index}`;
      move(place, to);
      aside.set(out.path, to);
    }
    mkdirSync(out.directory ? place : `${root}/${parentOf(out.path)}`, { recursive: true });
  });
  return aside;
}

function bringBack(root: string, work: DatumWork, aside: ReadonlyMap<string, string>): void {
  for (const out of work.outs) {
    const place = `${root}/${out.path}`;
    removeFolder(place);
    const from = aside.get(out.path);
    if (from !== undefined) move(from, place);
  }
}

/** The store may lie on another device than the working tree. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    removeFolder(from);
  }
}

function inputMissing(absent: readonly SandboxFile[]): Failure {
  const paths = absent.slice(0, 20).map((file) => file.path);
  return {
    class: 'user',
    code: 'input-missing',
    message: `the input ${paths[0] ?? ''} is not in the working tree, where a stage with \`sandbox: none\` reads it`,
    hint: 'Bring it there with `datawf checkout`.',
    paths,
    retry: false,
  };
}
