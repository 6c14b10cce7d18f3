import type { Config, EnvironmentConfig, StoreConfig } from '../model/config.ts';
import { invalid, notFound } from '../model/problem.ts';
import { slug } from '../model/slug.ts';
import { didYouMean } from '../util/suggest.ts';

/**
 * The environment of a branch: the one that is forced, or else the first whose pattern fits; undefined where none does or
 * HEAD is detached. Throws `no-environment` (exit 4) for a forced one that isn't configured.
 */
export function environmentOf(
  config: Config,
  branch: string | undefined,
  forced?: string,
): EnvironmentConfig | undefined {
  if (forced !== undefined) return environmentNamed(config, forced);
  if (branch === undefined) return undefined;
  for (const environment of config.environments.values()) {
    if (environment.branches.some((glob) => branchMatches(glob, branch))) return environment;
  }
  return undefined;
}

/** `*` is within one part of the name, `**` any. */
function branchMatches(glob: string, branch: string): boolean {
  const source = glob
    .split(/(\*\*|\*|\?)/)
    .map((part) =>
      part === '**'
        ? '.*'
        : part === '*'
          ? '[^/]*'
          : part === '?'
            ? '[^/]'
            : part.replace(/[\\^$.|+()[\]{}]/g, '\\$&'),
    )
    .join('');
  return new RegExp(`^${source}$`).test(branch);
}

/** A configured environment; throws `no-environment` (exit 4). */
export function environmentNamed(config: Config, name: string): EnvironmentConfig {
  const environment = config.environments.get(name);
  if (environment !== undefined) return environment;
  const names = [...config.environments.keys()];
  throw notFound(
    'no-environment',
    `there is no environment ${name}`,
    didYouMean(name, names) ??
      (names.length === 0
        ? 'Environments are in .datawf/config.yaml (docs/environments.md).'
        : `There are: ${names.join(', ')}`),
  );
}

/** The stores besides the local one that a branch may use. */
export interface StoreChain {
  readonly write: StoreConfig | undefined;
  /** In the order in which they are asked: the written one first. */
  readonly read: readonly StoreConfig[];
}

/** What an environment writes and reads; without any environment configured, the one store that is named. */
export function storeChain(config: Config, environment: EnvironmentConfig | undefined): StoreChain {
  if (environment === undefined) {
    const [only, ...others] = config.environments.size === 0 ? config.stores.values() : [];
    return only === undefined || others.length > 0
      ? { write: undefined, read: [] }
      : { write: only, read: [only] };
  }
  const names = new Set([environment.write ?? [], environment.read].flat());
  return {
    write: environment.write === undefined ? undefined : config.stores.get(environment.write),
    read: [...names].flatMap((name) => config.stores.get(name) ?? []),
  };
}

/** What `{branch}`, `{user}` and `{stage}` stand for, before it is made a slug. */
export interface SlugNames {
  readonly branch?: string | undefined;
  readonly user?: string | undefined;
  readonly stage?: string | undefined;
}

/** A text with its `{branch}`, `{user}` and `{stage}` replaced by slugs. Throws `no-branch`, `no-user` (exit 2) where there is none. */
export function fillSlugs(text: string, names: SlugNames): string {
  return text.replace(/\{(branch|user|stage)\}/g, (_, name: keyof SlugNames) => {
    const value = names[name];
    if (value !== undefined && value !== '') return slug(value);
    throw invalid(
      `no-${name}`,
      `${text} holds {${name}}, and there is no ${name} here`,
      name === 'branch'
        ? 'HEAD is detached and the tip of no branch that is known here, or of several: git switch to one.'
        : 'Say who you are: git config user.name',
    );
  });
}
