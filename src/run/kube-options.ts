import type { Store } from '../store/store.ts';
import type { KubeEnvironment } from './job-spec.ts';
import type { KubeJobs } from './kube-jobs.ts';
import type { SandboxFile } from './runner.ts';

/** Something that a user is told while Jobs run. */
export interface KubeNotice {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

export interface KubeRunnerOptions {
  readonly jobs: KubeJobs;
  /** The one that the environment writes. */
  readonly store: Store;
  /** Tells that store from others, as a label's value. */
  readonly storeLabel: string;
  readonly environment: KubeEnvironment;
  /** ULID of the run. */
  readonly run: string;
  /** When it began; epoch milliseconds. */
  readonly started: number;
  /** Pods of a Job at once, at most. */
  readonly workers: number;
  /** Of datawf. */
  readonly version: string;
  readonly now: () => number;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Whether the signal means to leave the Jobs running. */
  readonly isDetached: () => boolean;
  /** Sees to it that the pods can read these files: what no store that they read has is pushed. */
  readonly ensure: (files: Iterable<SandboxFile>) => Promise<void>;
  readonly tell: (notice: KubeNotice) => void;
  /** A name for the next Job of the run: letters and digits. */
  readonly nextJob: () => string;
  /** Called when everything that was to run is in a Job. */
  readonly onAllStarted: () => void;
}
