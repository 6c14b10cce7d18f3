import { fsProblem } from '../disk/fs-problem.ts';
import { Problem } from '../model/problem.ts';
import { attempt, failedOutcome, notRun, type Attempt, type LocalTools } from './attempt.ts';
import type { Census } from './census.ts';
import { inputChanged } from './input-damage.ts';
import { createMask } from './mask.ts';
import { collectOutputs, undeclaredWrite, type FoundOutput } from './outputs.ts';
import type { AttemptOutcome, DatumWork, LogLine, StageSession, CommandWork } from './runner.ts';
import { namesOf, SandboxFault, type Failure } from './sandbox-fault.ts';
import type { Sandbox } from './sandbox.ts';
import { createUrlLists, type UrlLists } from './url-list.ts';

/** A stage whose datums run in sandboxes: as many as run at once, each furnished once and used again. */
export function openSandboxSession(tools: LocalTools, stage: CommandWork): StageSession {
  const mask = createMask(Object.values(stage.secrets));
  const free: Sandbox[] = [];
  const urlLists = createUrlLists(stage, tools.urls);

  /** A sandbox with the datum's files in it. */
  const enter = (work: DatumWork, urls: UrlLists): Sandbox => {
    const used = free.pop();
    try {
      return enterInto(used ?? tools.takeSandbox(), work, urls);
    } catch (error) {
      // A process that outlived its command may have written into one that was left clean.
      if (used === undefined || error instanceof SandboxFault || error instanceof Problem) throw error;
      return enterInto(tools.takeSandbox(), work, urls);
    }
  };

  const enterInto = (sandbox: Sandbox, work: DatumWork, urls: UrlLists): Sandbox => {
    try {
      sandbox.enter(stage, work, urls);
      return sandbox;
    } catch (error) {
      tools.giveBack(sandbox, false);
      throw error;
    }
  };

  const run = async (
    work: DatumWork,
    log: (line: LogLine) => void,
    signal: AbortSignal,
  ): Promise<AttemptOutcome> => {
    let sandbox: Sandbox;
    try {
      sandbox = enter(work, await urlLists(work, signal));
    } catch (error) {
      return failedOutcome(placingFailure(error, tools.storeFolder), notRun(tools.now()), mask);
    }
    let reusable = false;
    try {
      const plan = {
        stage,
        work,
        mask,
        log,
        signal,
        top: sandbox.work,
        places: sandbox.places,
        own: sandbox.folder,
      };
      const ran = await attempt(tools, plan);
      const { outcome, moved, clean } = await settle(sandbox, work, ran);
      if (clean) sandbox.leave(moved);
      reusable = clean;
      return outcome;
    } catch (error) {
      throw fsProblem(error, 'work in the sandbox', sandbox.folder);
    } finally {
      if (reusable) free.push(sandbox);
      else tools.giveBack(sandbox, false);
    }
  };

  /** Looks at what the command left and takes its outputs. */
  const settle = async (sandbox: Sandbox, work: DatumWork, ran: Attempt): Promise<Settled> => {
    const census = sandbox.census();
    const clean = census.changed.length === 0 && census.strays.length === 0;
    const failed = (failure: Failure): Settled => ({
      outcome: failedOutcome(failure, ran, mask),
      moved: NONE,
      clean,
    });
    const isCancelled = ran.verdict.kind === 'failed' && ran.verdict.failure.class === 'cancelled';
    if (census.changed.length > 0) {
      const failure = await inputChanged(
        tools,
        census.changed.map((input) => input.file),
      );
      if (!isCancelled) return failed(failure);
    }
    if (ran.verdict.kind === 'failed') return failed(ran.verdict.failure);
    if (ran.verdict.kind === 'waiting') {
      return { outcome: { state: 'waiting', usage: { ...ran.usage, bytesOut: 0 } }, moved: NONE, clean };
    }
    const outputs = collectOutputs(sandbox.work, work.outs);
    if (!outputs.ok) return failed(withStrays(outputs.failure, census));
    if (census.strays.length > 0) return failed(undeclaredWrite(census.strays));
    return { ...(await take(outputs.files, ran)), clean };
  };

  const take = async (files: readonly FoundOutput[], ran: Attempt): Promise<Omit<Settled, 'clean'>> => {
    const outs = await tools.intake.take(files, 'move');
    const bytesOut = outs.reduce((sum, entry) => sum + entry.size, 0);
    const moved = new Set(files.flatMap((file) => (file.movable ? [file.path] : [])));
    return { outcome: { state: 'ok', outs, usage: { ...ran.usage, bytesOut } }, moved };
  };

  return {
    run,
    close: async () => {
      for (const sandbox of free.splice(0)) tools.giveBack(sandbox, true);
    },
  };
}

interface Settled {
  readonly outcome: AttemptOutcome;
  /** Paths of outputs that are gone from the sandbox. */
  readonly moved: ReadonlySet<string>;
  /** Whether the sandbox holds nothing unexpected. */
  readonly clean: boolean;
}

const NONE: ReadonlySet<string> = new Set();

/** A missing out and a file in the wrong place are mostly one mistake, so both are told. */
function withStrays(failure: Failure, census: Census): Failure {
  if (failure.code !== 'out-missing' || census.strays.length === 0) return failure;
  return {
    ...failure,
    message: `${failure.message}; it wrote ${namesOf(census.strays)} instead, which nobody declared`,
  };
}

/** What stops one datum, as a failure; what stops the whole run (a full disk) is thrown on. */
function placingFailure(error: unknown, storeFolder: string): Failure {
  if (error instanceof SandboxFault) return error.failure;
  if (error instanceof Problem && (error.code === 'corrupt-object' || error.code === 'wrong-size')) {
    return {
      class: 'infra',
      code: error.code,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      retry: false,
    };
  }
  throw fsProblem(error, 'make a sandbox in', storeFolder);
}
