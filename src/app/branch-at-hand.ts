import { environmentOf } from '../graph/environment.ts';
import type { Config } from '../model/config.ts';
import type { Git } from '../workspace/git.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** What a checkout is asked with. */
export interface Checkout {
  readonly workspace: Workspace;
  readonly git: Git;
  readonly config: Config;
  /** Name of the environment that is forced. */
  readonly forced: string | undefined;
}

/**
 * The branch at hand. On a detached HEAD, as CI has it, the one branch whose tip it is and that fits the forced environment; where
 * there is none or several fit, undefined.
 */
export async function branchAtHand({
  workspace,
  git,
  config,
  forced,
}: Checkout): Promise<string | undefined> {
  const { branch, commit } = await workspace.head();
  if (branch !== undefined || commit === undefined) return branch;
  const names = new Set<string>();
  for (const tip of await git.history.tips()) {
    if (tip.commit !== commit || (tip.kind !== 'branch' && tip.kind !== 'remote')) continue;
    const name = tip.kind === 'branch' ? tip.name : tip.name.slice(tip.name.indexOf('/') + 1);
    if (name !== 'HEAD') names.add(name);
  }
  const fitting = [...names].filter(
    (name) => forced === undefined || environmentOf(config, name)?.name === forced,
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}
