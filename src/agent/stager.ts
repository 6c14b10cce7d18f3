import { EXIT, Problem } from '../model/problem.ts';
import { AGENT_EXIT, type AgentStop } from '../run/agent-env.ts';
import { jobFolder, type JobPlan } from '../run/job-plan.ts';
import { parsePlan } from '../run/job-text.ts';
import { checkVersion } from './faults.ts';
import type { Leave } from './link.ts';
import { patiently } from './patience.ts';
import { aborted, Worker, type WorkerOptions } from './worker.ts';

/** Works through batches until none is left, and tells the loop how to end. Answers that, for a look from outside. */
export async function runStager(options: WorkerOptions): Promise<Leave> {
  const { link } = options;
  let leave: Leave;
  try {
    leave = await work(options);
  } catch (error) {
    leave = leaveFor(error);
  }
  await Promise.race([link.hello(), aborted(options.terminated)]);
  await Promise.race([link.leave(leave), aborted(options.terminated)]);
  return leave;
}

async function work(options: WorkerOptions): Promise<Leave> {
  const plan = await readPlan(options);
  const worker = new Worker(options, plan);
  try {
    return await worker.run();
  } finally {
    await worker.close();
  }
}

async function readPlan({ env, version, stores, patience, terminated }: WorkerOptions): Promise<JobPlan> {
  checkVersion('the command that made this Job', env.version, version);
  const name = `${jobFolder(env)}/plan.json`;
  const bytes = await patiently(() => stores[0].readFile(name), patience, terminated);
  if (bytes === undefined) {
    throw new Problem({
      code: 'missing-plan',
      message: `there is no ${name} in ${stores[0].url}`,
      hint: 'The run was cleaned up, or the environment writes another store: run the command again.',
      exit: EXIT.notFound,
    });
  }
  const plan = parsePlan(Buffer.from(bytes).toString());
  checkVersion('the plan', plan.version, version);
  if (plan.work.stage.sandbox === 'none') {
    throw new Problem({
      code: 'unsandboxed',
      message: `stage ${plan.stage} has \`sandbox: none\`, and there is no working tree in a pod`,
      hint: 'Take it out of the stage, or run the stage with the local executor.',
      exit: EXIT.usage,
    });
  }
  return plan;
}

/** How the loop is to end after a failure: the Job where trying again elsewhere is pointless. */
function leaveFor(error: unknown): Leave {
  if (!(error instanceof Problem)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { exit: EXIT.unexpected, stop: { code: 'agent-bug', message } };
  }
  const { code, message, hint } = error;
  const stop: AgentStop = { code, message, ...(hint === undefined ? {} : { hint }) };
  return { exit: error.exit === EXIT.transient ? EXIT.unexpected : AGENT_EXIT.stopJob, stop };
}
