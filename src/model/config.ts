/** How files come into the workspace, in the order they are tried. */
export type LinkKind = 'reflink' | 'hardlink' | 'symlink' | 'copy';

/** A place that holds objects, trees, results and runs. */
export interface StoreConfig {
  readonly name: string;
  /** `s3://bucket/prefix` or a folder; may hold `{branch}` and `{user}`. */
  readonly url: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  /** File with certificates to trust besides the system's. */
  readonly ca: string | undefined;
}

/** What a git branch is allowed to touch. */
export interface EnvironmentConfig {
  readonly name: string;
  /** Globs over branch names. */
  readonly branches: readonly string[];
  /** Name of the store it writes. */
  readonly write: string | undefined;
  /** Names of the stores it reads after that one, in order. */
  readonly read: readonly string[];
  readonly publish: string | undefined;
  /** `image`: only results made in the stage's image count. */
  readonly trust: 'image' | undefined;
  readonly executor: 'local' | 'kubernetes';
  readonly namespace: string | undefined;
  /** May hold `{stage}`, `{branch}` and `{user}`. */
  readonly serviceAccount: string | undefined;
  readonly uids: EnvironmentUids | undefined;
  readonly credentials: { readonly role: string } | { readonly secret: string } | undefined;
  readonly secrets: ReadonlyMap<string, SecretKey>;
  readonly agentImage: string | undefined;
  readonly env: ReadonlyMap<string, string>;
}

export interface EnvironmentUids {
  readonly main: number;
  readonly stager: number;
  readonly group: number;
}

/** Those of an environment that names none. */
export const DEFAULT_UIDS: EnvironmentUids = { main: 20_001, stager: 20_002, group: 30_000 };

/** One key of a Kubernetes Secret. */
export interface SecretKey {
  readonly secret: string;
  readonly key: string;
}

/** The configuration of a workspace: all layers merged and checked. */
export interface Config {
  readonly stores: ReadonlyMap<string, StoreConfig>;
  /** In order; the first whose pattern fits the branch counts. */
  readonly environments: ReadonlyMap<string, EnvironmentConfig>;
  /** Pools that `resources.limit` counts against. */
  readonly limits: ReadonlyMap<string, number>;
  readonly cache: CacheConfig;
  /** Datums at once; undefined lets the command choose. */
  readonly jobs: number | undefined;
  readonly color: 'auto' | 'always' | 'never';
}

export interface CacheConfig {
  /** Folder of the local store as written; undefined means the git common directory's. */
  readonly dir: string | undefined;
  readonly links: readonly LinkKind[];
}

export const DEFAULT_LINKS: readonly LinkKind[] = ['reflink', 'hardlink', 'symlink', 'copy'];
