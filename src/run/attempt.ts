import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { pathFault } from '../model/repo-path.ts';
import { allDeps, commandArgv, commandEnv, placedFiles, type CommandPlaces } from './command-env.ts';
import type { Commands } from './hosted-commands.ts';
import { judge, type Verdict } from './failure.ts';
import type { Intake } from './intake.ts';
import type { Mask } from './mask.ts';
import { createOutputLines } from './output-lines.ts';
import type { Placer } from './place.ts';
import type { AttemptOutcome, AttemptUsage, DatumWork, LogLine, CommandWork } from './runner.ts';
import type { Failure } from './sandbox-fault.ts';
import type { Sandbox } from './sandbox.ts';
import type { UrlSource } from './url-list.ts';

/** What the sessions of one local runner share. */
export interface LocalTools {
  readonly root: string;
  readonly storeFolder: string;
  readonly path: string;
  readonly graceMs: number;
  readonly now: () => number;
  readonly placer: Placer;
  readonly intake: Intake;
  readonly commands: Commands;
  readonly outOfMemory: () => boolean;
  /** The image that commands run in, where they run in one. */
  readonly image?: string;
  readonly urls: UrlSource;
  /** A sandbox without anything in it. */
  readonly takeSandbox: () => Sandbox;
  /** Takes one back: `clean` can be used again, any other is removed. */
  readonly giveBack: (sandbox: Sandbox, clean: boolean) => void;
}

/** One command to run for a datum, and where. */
export interface AttemptPlan {
  readonly stage: CommandWork;
  readonly work: DatumWork;
  readonly mask: Mask;
  readonly log: (line: LogLine) => void;
  readonly signal: AbortSignal;
  /** Absolute folder that stands for the repository's root. */
  readonly top: string;
  readonly places: CommandPlaces;
  /** Folder that nobody else works in, if there is one. */
  readonly own: string | undefined;
}

/** How an attempt's command ended, before anybody has looked at its files. */
export interface Attempt {
  readonly verdict: Verdict;
  readonly usage: Omit<AttemptUsage, 'bytesOut'>;
  /** Last 2 KiB, masked. */
  readonly stderr: string;
}

/** Runs a datum's command and judges its end. */
export async function attempt(tools: LocalTools, plan: AttemptPlan): Promise<Attempt> {
  const { stage, work } = plan;
  const env = commandEnv(stage, work, { ...plan.places, path: tools.path });
  const argv = commandArgv(stage.stage.cmd, env);
  const output = createOutputLines({ mask: plan.mask, log: plan.log, now: tools.now });
  const { timeoutSeconds } = stage.stage;
  const started = tools.now();
  const { end, usage, memory } = await tools.commands.run({
    argv,
    cwd: stage.stage.base === '' ? plan.top : `${plan.top}/${stage.stage.base}`,
    env,
    timeoutMs: timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000,
    graceMs: tools.graceMs,
    signal: plan.signal,
    write: output.write,
    own: plan.own,
  });
  output.end();
  const stderr = output.stderrTail();
  const verdict = judge(end, {
    cmd: stage.stage.cmd,
    program: argv[0] ?? '',
    stderr,
    timeoutSeconds,
    outOfMemory: memory === undefined && mayBeKilled(end) && tools.outOfMemory(),
    memory,
    peakMemory: usage.peakMemory,
    image: tools.image,
    isUndeclared: (path) => isUndeclared(tools.root, plan, path),
  });
  return {
    verdict,
    stderr,
    usage: { started, ended: tools.now(), ...usage, bytesIn: bytesIn(stage, work) },
  };
}

function mayBeKilled(end: { readonly kind: string; readonly exit?: number }): boolean {
  return end.kind === 'signal' || (end.kind === 'exit' && end.exit === 137);
}

function isUndeclared(root: string, plan: AttemptPlan, path: string): boolean {
  if (plan.top === root || path.startsWith('/')) return false;
  const inside = posix.normalize(posix.join(plan.stage.stage.base, path)).replace(/\/$/, '');
  if (inside === '.' || pathFault(inside) !== undefined) return false;
  return existsSync(`${root}/${inside}`) && !existsSync(`${plan.top}/${inside}`);
}

function bytesIn(stage: CommandWork, work: DatumWork): number {
  let bytes = 0;
  for (const file of stage.code) bytes += file.size;
  for (const dep of allDeps(stage, work)) for (const file of placedFiles(dep)) bytes += file.size;
  return bytes;
}

/** A failure as an outcome, with secrets masked in everything that is kept. */
export function failedOutcome(failure: Failure, ran: Omit<Attempt, 'verdict'>, mask: Mask): AttemptOutcome {
  const { message, hint, paths, ...rest } = failure;
  return {
    state: 'failed',
    ...rest,
    message: mask.text(message),
    ...(hint === undefined ? {} : { hint: mask.text(hint) }),
    ...(paths === undefined ? {} : { paths: paths.map((path) => mask.text(path)) }),
    stderr: ran.stderr,
    usage: { ...ran.usage, bytesOut: 0 },
  };
}

/** What is known of an attempt whose command never started. */
export function notRun(now: number): Omit<Attempt, 'verdict'> {
  return {
    stderr: '',
    usage: { started: now, ended: now, cpuSeconds: undefined, peakMemory: undefined, bytesIn: 0 },
  };
}
