import type { EnvironmentConfig } from '../model/config.ts';
import { invalid, type Problem } from '../model/problem.ts';
import type { AppContext } from './ports.ts';

/** Why a branch has no store to write or read, as a problem to throw: `no-store` (exit 2) with the cure. */
export function noStore(
  ctx: AppContext,
  environment: EnvironmentConfig | undefined,
  use: 'read' | 'write',
): Problem {
  const { stores, environments } = ctx.config;
  if (environment !== undefined) {
    return invalid(
      'no-store',
      `the environment ${environment.name} names no store to ${use}`,
      `Name one: environments.${environment.name}.write in .datawf/config.yaml`,
    );
  }
  const [first = ''] = environments.keys();
  if (first !== '') {
    return invalid(
      'no-store',
      `no environment fits the branch, so there is no store to ${use}`,
      `Name one: --env ${first}; or have the patterns in .datawf/config.yaml fit the branch`,
    );
  }
  if (stores.size === 0) {
    return invalid(
      'no-store',
      `no store is named that data could ${use === 'write' ? 'go to' : 'come from'}`,
      'Name one: datawf config set stores.shared.url /path/or/s3://bucket/prefix',
    );
  }
  return invalid(
    'no-store',
    `${stores.size} stores are named, and nothing says which of them to ${use}`,
    'Say it by an environment in .datawf/config.yaml (docs/environments.md)',
  );
}
