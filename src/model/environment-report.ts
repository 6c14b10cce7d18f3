import type { EnvironmentConfig } from './config.ts';

/** A store of an environment. */
export interface EnvironmentStore {
  readonly name: string;
  /** With placeholders replaced, as far as there is something to replace them with. */
  readonly url: string;
}

/** `env list --json`: one of these each. */
export interface EnvironmentLine {
  readonly name: string;
  /** The branch at hand fits it. */
  readonly current: boolean;
  readonly branches: readonly string[];
  readonly write: EnvironmentStore | null;
  /** In the order in which they are asked. */
  readonly read: readonly EnvironmentStore[];
  readonly executor: EnvironmentConfig['executor'];
}

/** `env show --json`: what a branch is allowed to touch. */
export interface EnvironmentReport extends Omit<EnvironmentLine, 'name'> {
  /** null: no environment is configured for it. */
  readonly name: string | null;
  readonly branch: string | null;
  readonly publish: string | null;
  readonly trust: 'image' | null;
  readonly namespace: string | null;
  readonly serviceAccount: string | null;
  readonly uids: EnvironmentConfig['uids'] | null;
  readonly credentials: EnvironmentConfig['credentials'] | null;
  readonly agentImage: string | null;
  readonly env: Readonly<Record<string, string>>;
  /** Names only. */
  readonly secrets: readonly string[];
  /** Pools that `resources.limit` counts against. */
  readonly limits: Readonly<Record<string, number>>;
}
