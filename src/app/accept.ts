import { join } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import { codesIn } from '../formats/datum-table.ts';
import { formatLockFile } from '../formats/lock-file.ts';
import { acceptCodes, equalCodes } from '../graph/accepted.ts';
import type { StageNode } from '../graph/graph.ts';
import type { Digest } from '../model/digest.ts';
import type { AcceptReport, AcceptedStage } from '../model/history-report.ts';
import { EMPTY_LOCK, type LockStage } from '../model/lock.ts';
import { NO_COUNTS } from '../model/outcome.ts';
import { invalid, notFound, refused } from '../model/problem.ts';
import type { RepoPath } from '../model/repo-path.ts';
import { NO_TOTALS, type StageRecord } from '../model/run-record.ts';
import { readTable } from '../store/tables.ts';
import { selectStages } from './assess.ts';
import { sameOuts } from './code-match.ts';
import type { AppContext } from './ports.ts';
import { lockedStage, lockPathOf, type Project } from './project.ts';
import { runHead } from './run-head.ts';
import type { RunPorts } from './run-ports.ts';
import { gatherFacts, type StageFacts } from './stage-facts.ts';
import { withLock } from './writing.ts';

export interface AcceptRequest {
  /** As typed. */
  readonly stages: readonly string[];
  /** Why the results are the same; for those who review the lock. */
  readonly reason: string;
  readonly dryRun: boolean;
}

/**
 * Records in the lock that the present code of stages gives the same results as the code that made their rows, with author and
 * reason. Nothing runs. Throws `outs-changed` (exit 6) where the out patterns are others, `unknown-code` (exit 4) where the store
 * doesn't know what they were, `no-author` and `no-reason` (exit 2).
 */
export async function accept(
  ctx: AppContext,
  request: AcceptRequest,
  ports: RunPorts,
): Promise<AcceptReport> {
  const reason = request.reason.trim();
  if (reason === '')
    throw invalid('no-reason', 'the reason is empty', 'Say why the results are the same: -m REASON');
  const by = await authorOf(ctx);
  const work = async (): Promise<AcceptReport> => {
    const { project, selection } = selectStages(ctx, request.stages);
    const named = new Set([...selection.stages, ...selection.upstream, ...selection.downstream]);
    const nodes = project.graph.order.filter((node) => named.has(node));
    const facts = await gatherFacts(ctx, nodes, project);
    const acceptances: Acceptance[] = [];
    for (const node of nodes) {
      const known = facts.get(node);
      if (known !== undefined)
        acceptances.push(await acceptStage(ctx, { project, node, facts: known, by, reason }));
    }
    const changed = acceptances.filter(({ report }) => report.accepted.length > 0);
    const stages = acceptances.map(({ report }) => report);
    if (request.dryRun || changed.length === 0) return { dryRun: request.dryRun, stages };
    for (const { facts: own } of changed) await ctx.store.putKey(own.half.digest, own.half.json);
    writeLocks(ctx, project, changed);
    return { dryRun: false, run: await recordRun(ctx, ports, changed), stages };
  };
  return request.dryRun ? await work() : await withLock(ctx, 'datawf accept', work);
}

async function authorOf(ctx: AppContext): Promise<string> {
  const { name, mail } = await ctx.git.user();
  if (name !== '') return mail === '' ? name : `${name} <${mail}>`;
  throw invalid(
    'no-author',
    'git has no name for you, and the lock says who accepted',
    'Tell git: git config --global user.name "Your Name", and user.email',
  );
}

/** What is accepted of one stage. */
interface Acceptance {
  readonly node: StageNode;
  readonly facts: StageFacts;
  /** With the new steps in it; undefined where the lock has nothing of the stage. */
  readonly entry: LockStage | undefined;
  readonly report: AcceptedStage;
}

interface Acceptable {
  readonly project: Project;
  readonly node: StageNode;
  readonly facts: StageFacts;
  readonly by: string;
  readonly reason: string;
}

async function acceptStage(
  ctx: AppContext,
  { project, node, facts, by, reason }: Acceptable,
): Promise<Acceptance> {
  const { stage } = node;
  const code = facts.half.digest;
  const entry = lockedStage(project, stage);
  if (entry === undefined)
    return { node, facts, entry, report: { stage: stage.id, code, datums: 0, accepted: [] } };
  const equal = equalCodes(code, entry.accepted);
  const lines = await readTable(ctx.store, entry.datums.table);
  const older = [...codesIn(lines)].filter((other) => !equal.has(other));
  for (const other of older) await refuseOtherOuts(ctx, { node, facts, other });
  older.sort((a, b) => Number(b === entry.code) - Number(a === entry.code));
  const accepted = acceptCodes(entry.accepted, code, { older, by, reason });
  const fresh = [...accepted].filter(([newer, step]) => entry.accepted.get(newer) !== step);
  return {
    node,
    facts,
    entry: { ...entry, code, inputs: inputsFor(node, entry), accepted },
    report: {
      stage: stage.id,
      code,
      datums:
        older.length === 0 ? 0 : lines.filter((line) => older.some((other) => line.includes(other))).length,
      accepted: fresh.map(([newer, step]) => ({ code: newer, ...step })),
    },
  };
}

async function refuseOtherOuts(
  ctx: AppContext,
  { node: { stage }, facts, other }: Pick<Acceptance, 'node' | 'facts'> & { readonly other: Digest },
): Promise<void> {
  const before = await ctx.store.readKey(other);
  if (before === undefined) {
    throw notFound(
      'unknown-code',
      `what code ${other.slice(0, 12)} of stage ${stage.id} was isn't in the local store, so its outs can't be compared`,
      `Get it with \`datawf pull\`, or run the stage: datawf repro ${stage.id}`,
    );
  }
  if (sameOuts(facts.half.json, before)) return;
  throw refused(
    'outs-changed',
    `the out patterns of stage ${stage.id} changed, so earlier results can't be those of the present code`,
    `Run it: datawf repro ${stage.id}; or put the out patterns back, accept, and change them afterwards`,
  );
}

/** The trees of the inputs, unless deps have other names now. */
function inputsFor({ stage }: StageNode, entry: LockStage): LockStage['inputs'] {
  const names = new Set(stage.deps.map((dep) => dep.name));
  const isSame =
    entry.inputs?.size === names.size && [...entry.inputs.keys()].every((name) => names.has(name));
  return isSame ? entry.inputs : undefined;
}

function writeLocks(ctx: AppContext, project: Project, changed: readonly Acceptance[]): void {
  const files = new Map<RepoPath, Map<string, LockStage>>();
  for (const { node, entry } of changed) {
    const { file, name } = node.stage;
    const stages = files.get(file) ?? new Map((project.locks.get(file) ?? EMPTY_LOCK).stages);
    files.set(file, stages);
    if (entry !== undefined) stages.set(name, entry);
  }
  for (const [file, stages] of files)
    writeAtomic(join(ctx.workspace.root, lockPathOf(file)), formatLockFile({ stages }));
}

/** Leaves a record, so that `log` tells who accepted what; answers its id. */
async function recordRun(ctx: AppContext, ports: RunPorts, changed: readonly Acceptance[]): Promise<string> {
  const history = await ports.history();
  const writer = await history.openRun(await runHead(ctx, ports, 'accept'));
  for (const { facts, report } of changed) writer.stage(stageRecord(facts, report));
  const skipped = changed.reduce((sum, { report }) => sum + report.datums, 0);
  await writer.seal({ state: 'done', exit: 0, counts: { ...NO_COUNTS, skipped }, totals: NO_TOTALS });
  return writer.id;
}

function stageRecord(facts: StageFacts, { stage, datums, accepted }: AcceptedStage): StageRecord {
  const [step] = accepted;
  return {
    stage,
    code: facts.half.digest,
    why: [],
    whyNot: [
      {
        kind: 'accepted',
        count: datums,
        ...(step === undefined ? {} : { detail: `by ${step.by}: ${step.reason}` }),
      },
    ],
    counts: { ...NO_COUNTS, skipped: datums },
    seconds: 0,
    trees: {},
  };
}
