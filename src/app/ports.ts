import type { Config, EnvironmentConfig, StoreConfig } from '../model/config.ts';
import type { Emit } from '../model/event.ts';
import type { DiskStore } from '../store/disk-store.ts';
import type { Shelf } from '../store/shelf.ts';
import type { SourceTree } from '../store/source-tree.ts';
import type { Store } from '../store/store.ts';
import type { Git } from '../workspace/git.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** Time, chance and caller as the composition root sees them; app and below never read them from the process. */
export interface Surroundings {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** [0, 1). */
  readonly random: () => number;
  /** The caller's environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly argv: readonly string[];
  /** What runs datawf again: the Node binary and the script, absolute. */
  readonly program: { readonly node: string; readonly script: string };
  readonly host: string;
  readonly pid: number;
  /** The caller may write files whatever their mode says. */
  readonly isRoot: boolean;
  /** Processor cores available. */
  readonly cores: number;
  readonly version: string;
}

/** A store besides the local one, by its name in the configuration. */
export interface Remote {
  readonly name: string;
  readonly store: Store;
  /** What was read of its results, kept apart from those of this workspace (store/mirror.ts). */
  readonly kept: DiskStore;
}

/** What the branch at hand may use besides the local store. */
export interface Remotes {
  /** The environment that the branch fits, or the one that was forced; undefined where none is configured. */
  readonly environment: EnvironmentConfig | undefined;
  /** The one it writes; undefined where none is named. */
  readonly write: Remote | undefined;
  /** Those it reads in the order in which they are asked: the written one first, then what the environment reads. */
  readonly read: readonly Remote[];
}

/** What every use case gets: the open workspace and what it may use. Built by cli/context, once per command. */
export interface AppContext {
  readonly workspace: Workspace;
  readonly git: Git;
  /** The workspace's local store. */
  readonly store: DiskStore;
  /** The same without the stores behind it: for those who ask what is here. */
  readonly local: DiskStore;
  readonly config: Config;
  /** The environment of the branch, or the one that was forced (`--env`). Opens nothing. */
  readonly environment: () => Promise<EnvironmentConfig | undefined>;
  /** The branch at hand; on a detached HEAD the one whose tip it is, where that is clear. */
  readonly branch: () => Promise<string | undefined>;
  /** Opens the branch's stores, once a command: ask for them only where the local store doesn't do. */
  readonly remotes: () => Promise<Remotes>;
  /** Any store of the configuration, as a branch has it. Throws `no-branch`, `no-user` (exit 2) where its URL wants one. */
  readonly openStore: (store: StoreConfig, branch: string | undefined) => Promise<Remote>;
  /** A place to publish to; of the store its URL and how to reach it count. Throws as `openStore`. */
  readonly openShelf: (store: StoreConfig, branch: string | undefined) => Promise<Shelf>;
  /** Files of somebody else's; of the store its URL and how to reach it count. Throws as `openStore`. */
  readonly openSource: (store: StoreConfig) => Promise<SourceTree>;
  /** The local store with others behind it than those that the branch reads, in the order in which they are asked. */
  readonly layered: (behind: readonly Store[]) => DiskStore;
  readonly around: Surroundings;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}
