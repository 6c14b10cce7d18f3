import type { ProcessIdentity } from '../model/run-record.ts';
import type { FindPlaces } from '../store/store.ts';
import type { LocalTools } from './attempt.ts';
import { createHostedCommands } from './hosted-commands.ts';
import { createIntake } from './intake.ts';
import { createMemoryWatch } from './memory-watch.ts';
import { createPlacer } from './place.ts';
import type { Runner, StageWork } from './runner.ts';
import { openSandboxHome, type SandboxHome } from './sandbox-home.ts';
import { openSandboxSession } from './sandbox-session.ts';
import { Sandbox } from './sandbox.ts';
import { createTurnstile, openUnsandboxedSession } from './unsandboxed-session.ts';

export interface LocalRunnerOptions {
  /** Absolute path of the working tree's root. */
  readonly root: string;
  /** Absolute folder of the local store: objects are linked from it, sandboxes lie in its `tmp`. */
  readonly storeFolder: string;
  /** The Node binary that runs the command host. */
  readonly node: string;
  /** PATH of the caller: the one variable that commands get from outside. */
  readonly path: string;
  /** This process (`processIdentity`), so that the sandboxes of dead ones can be removed; its host is recorded with results. */
  readonly process: ProcessIdentity;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Where objects can be read by URL. */
  readonly places: FindPlaces;
  /**
   * Inputs up to so many bytes are copied into sandboxes, larger ones are hard links. 0 (the default) for an ordinary user,
   * whom the read-only mode holds back; the composition root passes 64 MiB for root, whom it doesn't.
   */
  readonly copyBelow?: number;
  /** Milliseconds between SIGTERM and SIGKILL; 5,000 where absent. */
  readonly graceMs?: number;
}

const GRACE_MS = 5_000;

/**
 * Runs datums as processes of this machine, each in a sandbox of its own. Touches nothing until a stage is opened; opening one
 * costs nothing until its first datum, then what its code and broadcast deps cost to put in place.
 */
export function createLocalRunner(options: LocalRunnerOptions): Runner {
  let tools: (LocalTools & { readonly end: () => void }) | undefined;
  const turnstile = createTurnstile();
  return {
    name: 'local',
    made: { host: options.process.host },
    openStage: async (work: StageWork) => {
      tools ??= createTools(options);
      return work.stage.sandbox === 'none'
        ? openUnsandboxedSession(tools, work, turnstile)
        : openSandboxSession(tools, work);
    },
    close: async () => {
      tools?.end();
      tools = undefined;
    },
  };
}

function createTools(options: LocalRunnerOptions): LocalTools & { readonly end: () => void } {
  const { root, storeFolder, node, path, now, places, copyBelow = 0, graceMs = GRACE_MS } = options;
  const placer = createPlacer({ root, storeFolder, copyBelow });
  const commands = createHostedCommands(node);
  commands.prepare();
  const home = openSandboxHome({ storeFolder, process: options.process, now });
  return {
    root,
    storeFolder,
    path,
    now,
    graceMs,
    placer,
    commands,
    intake: createIntake(storeFolder),
    outOfMemory: createMemoryWatch(),
    urls: { places, linkText: async (file) => placer.linkText(file), root, now },
    ...sandboxPool(home, placer),
    end: () => {
      commands.close();
      home.close();
    },
  };
}

function sandboxPool(
  home: SandboxHome,
  placer: LocalTools['placer'],
): Pick<LocalTools, 'takeSandbox' | 'giveBack'> {
  const spare: Sandbox[] = [];
  const remove = (sandbox: Sandbox): void => {
    sandbox.destroy();
    home.release(sandbox.folder);
  };
  return {
    takeSandbox: () => spare.pop() ?? new Sandbox(home.claim(), placer),
    giveBack: (sandbox, clean) => {
      if (!clean) {
        remove(sandbox);
        return;
      }
      try {
        sandbox.strip();
        spare.push(sandbox);
      } catch {
        // Something is left where nothing should be.
        remove(sandbox);
      }
    },
  };
}
