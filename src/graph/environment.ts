import type { Config, EnvironmentConfig } from '../model/config.ts';

/** The environment of a branch: the first whose pattern fits; undefined where none does or HEAD is detached. */
export function environmentOf(config: Config, branch: string | undefined): EnvironmentConfig | undefined {
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
