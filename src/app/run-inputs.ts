import type { FileEntry } from '../model/file-entry.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { isWithin } from '../model/repo-path.ts';
import type { Assessment } from './assess.ts';
import { ownersOf } from './dataset-owners.ts';
import type { DatasetState } from './datasets.ts';
import type { Dataset } from './project.ts';
import type { StageState } from './stage-state.ts';
import { storedInputs } from './stored-inputs.ts';
import type { Supply } from './supply.ts';

/**
 * Fetches what the planned work reads and the local store lacks; what it reads by URL has to be in some store only. Outs of stages come by themselves (concepts 1.2: fetched when
 * needed); data added by hand only where `pull` was asked for, else it throws `missing-data` (exit 4). Answers whether the plan
 * stands: not where an out turned out to be lost, which then has to be made again.
 */
export async function bringInputs(
  { project, datasets, states }: Assessment,
  supply: Supply,
  pull: boolean,
): Promise<boolean> {
  const missing = datasets.all.filter(({ state }) => state === 'missing');
  if (missing.length === 0 || supply.options.allowMissing) return true;
  const wanted = new Map<string, FileEntry>();
  const distant = new Map<string, FileEntry>();
  for (const state of states) {
    if (!state.options.inScope || state.open === 0 || !sees(state, missing)) continue;
    for (const datum of state.datums) {
      if (datum.phase === 'done') continue;
      for (const entry of await storedInputs(datum, 'file'))
        if (!supply.isHere(entry)) wanted.set(entry.path, entry);
      for (const entry of await storedInputs(datum, 'url'))
        if (!supply.isHere(entry)) distant.set(entry.path, entry);
    }
  }
  const owner = ownersOf(project);
  const ownerOf = ({ path }: FileEntry): Dataset | undefined => owner(path);
  if (!pull) await refuseMissing([...wanted.values()], ownerOf, supply);
  // What was lost before is in the plan already: made again where a stage can.
  const isOpen = ({ digest }: FileEntry): boolean => !supply.lost.has(digest);
  const open = [...wanted.values()].filter(isOpen);
  const unseen = [...distant.values()].filter(isOpen);
  await supply.fetch(open);
  await supply.lookFor(unseen);
  return ![...open, ...unseen].some(
    (entry) => supply.lost.has(entry.digest) && ownerOf(entry)?.stage !== undefined,
  );
}

function sees({ node }: StageState, missing: readonly DatasetState[]): boolean {
  return node.stage.deps.some(({ pattern }) =>
    missing.some(({ dataset: { home } }) => isWithin(home, pattern.home) || isWithin(pattern.home, home)),
  );
}

async function refuseMissing(
  wanted: readonly FileEntry[],
  ownerOf: (entry: FileEntry) => Dataset | undefined,
  supply: Supply,
): Promise<void> {
  for (const dataset of new Set(wanted.map(ownerOf))) {
    if (dataset === undefined || dataset.stage !== undefined || !(await supply.canCome(dataset))) continue;
    const files = wanted.filter((entry) => ownerOf(entry) === dataset);
    throw new Problem({
      code: 'missing-data',
      message: `${files.length === 1 ? (files[0]?.path ?? '') : `${files.length} files of ${dataset.home}`} ${files.length === 1 ? "isn't" : "aren't"} here, and the run needs ${files.length === 1 ? 'it' : 'them'}`,
      hint: `Get ${files.length === 1 ? 'it' : 'them'}: datawf pull ${dataset.home}; or have the run do it: datawf repro --pull`,
      exit: EXIT.notFound,
      details: files.length === 1 ? [] : files.slice(0, 20).map(({ path }) => path),
    });
  }
}
