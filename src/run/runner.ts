import type { Digest } from '../model/digest.ts';
import type { FileEntry, FileKind } from '../model/file-entry.ts';
import type { FailureClass } from '../model/outcome.ts';
import type { RepoPath } from '../model/repo-path.ts';
import type { ResultRecord } from '../model/result.ts';
import type { Stage } from '../model/stage.ts';

/** A file that a sandbox holds, at its repository path. */
export interface SandboxFile {
  readonly path: string;
  readonly kind: FileKind;
  readonly digest: Digest;
  readonly size: number;
  /** `store`: linked from the local store. `workspace`: copied from the working tree, where it must still have this content. */
  readonly from: 'store' | 'workspace';
}

/** One dep as a datum sees it. */
export interface SandboxDep {
  readonly name: string;
  /** Value of its variable, a repository path: the file, or the folder before the first capture or wildcard; '' where an optional dep has no file. */
  readonly value: string;
  readonly files: readonly SandboxFile[];
  /** `access: url`: the files aren't in the sandbox, the variable is the path of a list of where they can be read (url-list.ts). */
  readonly access?: 'url';
}

/** One out as a datum writes it. */
export interface SandboxOut {
  readonly name: string;
  readonly path: RepoPath;
  readonly directory: boolean;
  readonly optional: boolean;
}

/** What of a stage its command runs by. */
export type StageCommand = Pick<Stage, 'id' | 'base' | 'cmd' | 'image' | 'sandbox' | 'timeoutSeconds'>;

/** What all commands of a stage share in one run. */
export interface CommandWork {
  readonly stage: StageCommand;
  readonly code: readonly SandboxFile[];
  readonly broadcast: readonly SandboxDep[];
  /** Resolved `env` and params as variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Values are masked in everything kept. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** The same for a runner, which also looks at what the stage asks of the place it runs in. */
export interface StageWork extends CommandWork {
  readonly stage: Stage;
}

/** One datum to run. */
export interface DatumWork {
  readonly id: string;
  readonly captures: ReadonlyMap<string, string>;
  readonly deps: readonly SandboxDep[];
  readonly outs: readonly SandboxOut[];
  /** For a runner that keeps results itself. */
  readonly key?: DatumKey;
}

/** Where and by what key a stage's results are remembered, for a runner that keeps them itself. */
export interface StageKey {
  readonly code: Digest;
  /** Seconds that a datum took in earlier runs; undefined where there were none. */
  readonly usualSeconds: number | undefined;
}

/** By what a datum's result is remembered. */
export interface DatumKey {
  readonly input: Digest;
  /** Readable input half. */
  readonly deps: ResultRecord['deps'];
  /** From 1. */
  readonly attempt: number;
  /** Called once when the datum is known to run, at the latest before its outcome. */
  readonly onStart: () => void;
}

/** Where and when an execution was, where it wasn't on this machine; times in epoch milliseconds. */
export interface AttemptPlace {
  readonly node: string;
  readonly pod: string;
  readonly serviceAccount: string;
  /** uid of the command. */
  readonly uid: number;
  readonly image?: string;
  /** Bytes; the limit that it ran with. */
  readonly memory?: number;
  /** When it was scheduled, pulled, its inputs were asked for and were there, and its outputs were durable. */
  readonly times: Readonly<Record<string, number>>;
}

/** What a runner that keeps results itself tells of an execution. */
export interface Elsewhere {
  readonly place: AttemptPlace;
  /** Of the result, which lies in the store that the environment writes, as its objects do. */
  readonly made: ResultRecord['made'];
}

/** What one execution took; times in epoch milliseconds. */
export interface AttemptUsage {
  readonly started: number;
  readonly ended: number;
  readonly cpuSeconds: number | undefined;
  /** Bytes. */
  readonly peakMemory: number | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** The log of an attempt: merged lines in order of arrival, secrets masked. */
export interface LogLine {
  readonly time: number;
  readonly stream: 'out' | 'err';
  readonly text: string;
}

/** How one execution of one datum ended. */
export type AttemptOutcome =
  /** Outputs are objects of the local store, or of the one that `elsewhere` names; paths are repository paths, sorted. */
  | {
      readonly state: 'ok';
      readonly outs: readonly FileEntry[];
      readonly usage: AttemptUsage;
      readonly elsewhere?: Elsewhere;
    }
  /** Exit 75. */
  | { readonly state: 'waiting'; readonly usage: AttemptUsage; readonly elsewhere?: Elsewhere }
  | {
      readonly state: 'failed';
      readonly class: FailureClass;
      /** Kebab-case: exit, signal, timeout, out-missing, undeclared-write, input-changed, command-not-found, … */
      readonly code: string;
      readonly message: string;
      readonly hint?: string;
      readonly exit?: number;
      readonly signal?: string;
      readonly paths?: readonly string[];
      /** Last 2 KiB of stderr, masked. */
      readonly stderr: string;
      readonly usage: AttemptUsage;
      readonly elsewhere?: Elsewhere;
      /** Whether another try can help (a missing command or a disallowed write can't). */
      readonly retry: boolean;
    };

/** A stage opened on a runner: code and broadcast deps are prepared once. */
export interface StageSession {
  /**
   * Runs one datum once. Never throws for what the command does; throws a Problem for what makes going on pointless (full
   * disk, lost store). An aborted signal ends the command's whole process group and gives class `cancelled`.
   */
  run(work: DatumWork, log: (line: LogLine) => void, signal: AbortSignal): Promise<AttemptOutcome>;
  close(): Promise<void>;
}

/**
 * Executes datums under the sandbox contract (docs/concepts.md); the comment and test/contract/runner.ts are the specification.
 * Outputs leave a session only by an `ok` outcome.
 */
export interface Runner {
  readonly name: 'local' | 'kubernetes';
  /** Where results are made: recorded with them. */
  readonly made: { readonly host?: string; readonly image?: string };
  /** Datums that it takes at once; undefined: as many as the command says. */
  readonly takes?: number;
  openStage(work: StageWork, key?: StageKey): Promise<StageSession>;
  close(): Promise<void>;
}
