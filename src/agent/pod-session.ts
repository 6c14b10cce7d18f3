import { existsSync, mkdirSync } from 'node:fs';
import type { LocalTools } from '../run/attempt.ts';
import type { CommandWork, StageSession } from '../run/runner.ts';
import type { JobPlan } from '../run/job-plan.ts';
import { createPlacer } from '../run/place.ts';
import { openSandboxSession } from '../run/sandbox-session.ts';
import { Sandbox } from '../run/sandbox.ts';
import { createPlaceFinder } from '../store/places.ts';
import type { Store } from '../store/store.ts';
import type { LoopLink } from './loop-link.ts';
import type { Outgoing } from './outgoing.ts';

export interface PodSessionOptions {
  readonly plan: JobPlan;
  readonly link: LoopLink;
  readonly outgoing: Outgoing;
  /** In the order in which they are read. */
  readonly stores: readonly Store[];
  /** Absolute folder of the pod's own store. */
  readonly storeFolder: string;
  /** Absolute folder that sandboxes are made in. */
  readonly sandboxes: string;
  readonly now: () => number;
}

/** Between SIGTERM and SIGKILL of a command. */
const GRACE_MS = 5_000;

/** A stage's datums in this pod: sandboxes as on any machine, commands in the user's container. */
export function openPodSession(options: PodSessionOptions): StageSession {
  const { plan, link } = options;
  const { secretNames, stage } = plan.work;
  // The values are in the other container, which masks its output itself.
  const secrets = Object.fromEntries(secretNames.map((name) => [name, '']));
  const work: CommandWork = { ...plan.work, secrets };
  return openSandboxSession(toolsOf(options, link.commands({ cmd: stage.cmd, secretNames })), work);
}

function toolsOf(options: PodSessionOptions, commands: LocalTools['commands']): LocalTools {
  const { storeFolder, sandboxes, stores, now, plan } = options;
  // There is no working tree.
  const root = `${sandboxes}/none`;
  const placer = createPlacer({ root, storeFolder, copyBelow: 0 });
  mkdirSync(sandboxes, { recursive: true });
  return {
    root,
    storeFolder,
    path: '',
    graceMs: GRACE_MS,
    now,
    placer,
    commands,
    intake: options.outgoing.intake(),
    outOfMemory: () => false,
    ...(plan.work.stage.image === undefined ? {} : { image: plan.work.stage.image }),
    urls: {
      places: createPlaceFinder(async () => stores),
      linkText: async ({ digest }) => Buffer.from(await readFrom(stores, digest)).toString(),
      root,
      now,
    },
    takeSandbox: () => new Sandbox(freeFolder(sandboxes), placer),
    giveBack: (sandbox) => sandbox.destroy(),
  };
}

async function readFrom(
  stores: readonly Store[],
  digest: Parameters<Store['readObject']>[0],
): Promise<Uint8Array> {
  let failure: unknown;
  for (const store of stores) {
    try {
      return await store.readObject(digest);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** The lowest number: commands then mostly run at the same path. One that can't be removed stays in its way. */
function freeFolder(sandboxes: string): string {
  for (let number = 1; ; number++) {
    const folder = `${sandboxes}/${number}`;
    if (!existsSync(folder)) return folder;
  }
}
