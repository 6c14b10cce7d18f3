import { EXIT, Problem } from '../model/problem.ts';
import { outOfMemory } from '../run/failure.ts';
import type { Failure } from '../run/sandbox-fault.ts';
import { formatBytes } from '../util/quantity.ts';

/** Of the limit: a container that dies with so much in use died of that. */
const NEAR_LIMIT = 0.85;

/** Refuses what another version made (`other-version`). `what` names it. */
export function checkVersion(what: string, its: string, mine: string): void {
  if (its === mine) return;
  throw new Problem({
    code: 'other-version',
    message: `${what} is datawf ${its}, the agent in the pod is datawf ${mine}`,
    hint: "Build the agent image with the same datawf (`datawf agent image`), and name it as the environment's `agent_image`.",
    exit: EXIT.usage,
  });
}

/** The problem of a container that runs as another user than the environment grants. */
export function wrongUser(its: number, granted: number): Problem {
  return new Problem({
    code: 'wrong-user',
    message: `the command's container runs as uid ${its}, the environment says ${granted}`,
    hint: "Take `runAsUser` out of the stage's `pod_patch`, or grant that uid in the environment.",
    exit: EXIT.refused,
  });
}

/** What stops one datum, as a failure; what stops all of them is thrown on. */
export function inputFailure(error: unknown): Failure {
  if (!(error instanceof Problem) || error.code !== 'missing-object') throw error;
  return {
    class: 'infra',
    code: error.code,
    message: error.message,
    hint: "Push it (`datawf push`), or name the store that has it in the environment's `read`.",
    retry: false,
  };
}

/** The failure of a sandbox that outgrew its limit; bytes. */
export function diskFailure(used: number, limit: number): Failure {
  return {
    class: 'evicted',
    code: 'disk-limit',
    message: `the sandbox took ${formatBytes(used)} of disk, more than its limit of ${formatBytes(limit)}`,
    hint: 'Raise `resources: {disk: …}` of the stage, or give each datum less to do.',
    retry: false,
  };
}

/** The failure of a datum whose container is gone without a word: by its memory (bytes: largest sample, limit), or by what only its state says. */
export function lossOf(peak: number, limit: number | undefined): Failure {
  if (limit !== undefined && peak > limit * NEAR_LIMIT) return outOfMemory(limit, peak);
  return {
    class: 'lost',
    code: 'container-lost',
    message: 'the container of the command was killed while it ran',
    hint: 'The state of the pod says why; memory that ran out is the usual reason.',
    retry: true,
  };
}
