import type { Pattern } from './pattern.ts';
import type { RepoPath } from './repo-path.ts';

/** A stage's address: its name, with `folder:` before it where its file lies in a subfolder (`sub/dir:clean`). */
export type StageId = string & { readonly __stageId: true };

/** A calendar or clock shift such as `-6d`: so many of a unit. */
export interface Shift {
  readonly count: number;
  readonly unit: 'y' | 'mo' | 'w' | 'd' | 'h' | 'm' | 's';
}

export interface Dep {
  readonly name: string;
  readonly pattern: Pattern;
  readonly optional: boolean;
  readonly window: readonly [Shift, Shift] | undefined;
  readonly access: 'file' | 'url';
}

export interface Out {
  readonly name: string;
  readonly pattern: Pattern;
  readonly optional: boolean;
}

/** A parameter: a key path in a YAML or JSON file of the repository; its variable is the key with `_` for dots. */
export interface ParamRef {
  readonly file: RepoPath;
  readonly key: string;
  readonly variable: string;
}

/** What `matrix` says of one capture: texts as written, or the periods wholly inside `[since, until)`. */
export type MatrixItem =
  | { readonly kind: 'list'; readonly values: readonly string[] }
  | { readonly kind: 'range'; readonly since: string; readonly until: string; readonly every: Shift };

/** A folder or file of code: `folder` true where it was written with a trailing slash. */
export interface CodePath {
  readonly path: RepoPath;
  readonly folder: boolean;
}

export interface Resources {
  readonly cpu: number | undefined;
  /** Bytes; more than one is a ladder. */
  readonly memory: readonly number[];
  readonly disk: number | undefined;
  readonly gpu: number | undefined;
  /** Pool name to the share a datum takes (at most that many at once). */
  readonly limit: ReadonlyMap<string, number>;
}

/** One stage as declared; all paths and patterns are relative to the repository's root. */
export interface Stage {
  readonly id: StageId;
  readonly name: string;
  /** Folder of its file and working directory of its command, '' for the root. */
  readonly base: string;
  readonly file: RepoPath;
  readonly line: number;
  readonly desc: string | undefined;
  /** A string runs by `/bin/sh -c`; a list runs without a shell. */
  readonly cmd: string | readonly string[];
  readonly code: readonly CodePath[];
  readonly deps: readonly Dep[];
  readonly outs: readonly Out[];
  readonly params: readonly ParamRef[];
  /** null takes the value from the environment's configuration, then from the caller. */
  readonly env: ReadonlyMap<string, string | null>;
  readonly secrets: readonly string[];
  readonly image: string | undefined;
  readonly matrix: ReadonlyMap<string, MatrixItem>;
  readonly onCodeChange: 'rerun' | 'keep';
  readonly always: boolean;
  readonly sandbox: 'full' | 'none';
  readonly frozen: boolean;
  /** Further tries after the first. */
  readonly retries: number;
  readonly timeoutSeconds: number | undefined;
  readonly resources: Resources;
  readonly scheduleTimeoutSeconds: number | undefined;
  readonly podPatch: unknown;
}

/** Everything one repository's `datawf.yaml` files say. */
export interface Pipeline {
  /** IANA zone of `today` and of instants. */
  readonly zone: string;
  readonly stages: readonly Stage[];
  readonly files: readonly RepoPath[];
}
