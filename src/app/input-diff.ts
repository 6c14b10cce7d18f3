import type { FileEntry } from '../model/file-entry.ts';
import { matchPath } from '../model/pattern.ts';
import { compareBytes, joinPath, parentOf } from '../model/repo-path.ts';
import type { Dep } from '../model/stage.ts';
import { readListing } from '../store/trees.ts';
import { isBad } from './datum-plan.ts';
import type { AppContext } from './ports.ts';
import type { StageState } from './stage-state.ts';

/** What changed in the files that a dep's datums used, against the tree that the lock names. */
export interface DepDifference {
  readonly dep: Dep;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly deleted: readonly string[];
}

/**
 * Compares the files that a stage's datums see now with those its lock entry says they used; undefined where the lock
 * doesn't say (a row wasn't current) or the tree isn't here. Cost: the listings of the deps.
 */
export async function inputDifferences(
  ctx: AppContext,
  state: StageState,
): Promise<readonly DepDifference[] | undefined> {
  const inputs = state.options.locked?.inputs;
  if (inputs === undefined) return undefined;
  const differences: DepDifference[] = [];
  for (const [index, dep] of state.node.stage.deps.entries()) {
    const tree = inputs.get(dep.name);
    if (tree === undefined) continue;
    const whole = state.wholes[index];
    if (whole?.tree === tree) continue;
    if (!(await ctx.store.hasTree(tree))) return undefined;
    const before = (await readListing(ctx.store, tree)).map((entry) => ({
      ...entry,
      path: repoPathIn(dep, entry.path),
    }));
    const { files: now, unknown } =
      whole === undefined ? await usedNow(state, index) : { files: await whole.load(), unknown: NONE };
    differences.push({
      dep,
      ...compare(
        before.filter(({ path }) => !unknown.has(path)),
        now,
      ),
    });
  }
  return differences;
}

/** The paths of `inputDifferences`, sorted. */
export function changedPaths(differences: readonly DepDifference[]): string[] {
  const paths = differences.flatMap(({ added, changed, deleted }) => [...added, ...changed, ...deleted]);
  return [...new Set(paths)].sort(compareBytes);
}

function repoPathIn(dep: Dep, path: string): string {
  const { home, shape, captures } = dep.pattern;
  return shape === 'file' && captures.length === 0 ? joinPath(parentOf(home), path) : joinPath(home, path);
}

const NONE: ReadonlySet<string> = new Set();

/** Files that match the dep now; `unknown` are those of datums upstream that have no outcome yet. */
async function usedNow(
  state: StageState,
  index: number,
): Promise<{ readonly files: readonly FileEntry[]; readonly unknown: ReadonlySet<string> }> {
  const view = state.views[index];
  const dep = state.node.stage.deps[index];
  if (view === undefined || dep === undefined) return { files: [], unknown: NONE };
  const unknown = new Set<string>();
  const known: number[] = [];
  view.paths.forEach((path, at) => {
    if (matchPath(dep.pattern, path) === undefined) return;
    const origin = view.origins[at];
    if (origin === undefined || (origin.phase === 'done' && !isBad(origin))) known.push(at);
    else unknown.add(path);
  });
  return { files: state.filesAt(index, known), unknown };
}

function compare(before: readonly FileEntry[], now: readonly FileEntry[]): Omit<DepDifference, 'dep'> {
  const old = new Map(before.map((entry) => [entry.path, entry]));
  const added: string[] = [];
  const changed: string[] = [];
  for (const entry of now) {
    const past = old.get(entry.path);
    if (past === undefined) added.push(entry.path);
    else if (past.digest !== entry.digest || past.kind !== entry.kind) changed.push(entry.path);
    old.delete(entry.path);
  }
  return { added, changed, deleted: [...old.keys()] };
}
