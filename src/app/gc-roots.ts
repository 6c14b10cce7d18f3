import { parseHead } from '../history/record-text.ts';
import { runOfHead } from '../history/record-names.ts';
import { refName } from '../formats/ref-file.ts';
import { parseResultLine } from '../formats/result-line.ts';
import { parseDigest } from '../model/digest.ts';
import type { RootCount, RootKind } from '../model/keep-report.ts';
import type { Marker } from '../store/mark.ts';
import type { DiskStore } from '../store/disk-store.ts';
import type { Store } from '../store/store.ts';
import { ulidTime } from '../util/ulid.ts';
import { openGit } from '../workspace/git.ts';
import type { Commit, Tip, TrackedVersions } from '../workspace/git-history.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { strayIndexes } from './index-homes.ts';
import type { AppContext } from './ports.ts';
import { lockPathOf, workTreeFiles } from './project.ts';
import { refPrefix, type Repository } from './repositories.ts';

/** Counts what roots there are of each kind, with some of their names. */
export class RootTally {
  readonly #kinds = new Map<RootKind, Set<string>>();

  add(kind: RootKind, name: string): void {
    const names = this.#kinds.get(kind) ?? new Set();
    this.#kinds.set(kind, names.add(name));
  }

  counts(): readonly RootCount[] {
    return [...this.#kinds].map(([kind, names]) => ({
      kind,
      count: names.size,
      names: [...names].slice(0, NAMES),
    }));
  }
}

const NAMES = 20;

/** What roots are gathered into. */
export interface RootRequest {
  readonly marker: Marker;
  readonly tally: RootTally;
  /** Commits since then count, epoch milliseconds; -Infinity for all. */
  readonly since: number;
}

const KIND_OF: Readonly<Record<Tip['kind'], RootKind>> = {
  branch: 'branches',
  remote: 'remote branches',
  tag: 'tags',
  stash: 'stashes',
  worktree: 'work trees',
  ref: 'other refs',
};

/**
 * Marks what git keeps of a repository: tips of all kinds, young commits, the index and the files of each work tree, committed or
 * not, and what was last brought to each. Answers the versions of locks and pointers that it read.
 */
export async function markRepository(
  ctx: AppContext,
  repository: Repository,
  request: RootRequest,
): Promise<TrackedVersions> {
  const { history } = repository.git;
  const { marker, tally } = request;
  const [tips, commits] = [await history.tips(), await history.commits()];
  for (const { kind, name } of tips) tally.add(KIND_OF[kind], name);
  const young = commits.filter(({ time }) => time * 1000 >= request.since);
  for (const { commit } of young) tally.add('young commits', commit.slice(0, 12));
  const versions = new Map<string, string>();
  const found = [
    await history.trackedIn([...tips.map(({ commit }) => commit), ...topmost(commits, young)]),
    await history.changedBy(young.map(({ commit }) => commit)),
  ];
  for (const workspace of repository.workTrees) {
    found.push(await openGit(workspace, ctx.around.env).history.staged());
    await markWorkTree(workspace, marker);
    tally.add('work trees', workspace.root);
  }
  for (const some of found) for (const [id, path] of some) versions.set(id, path);
  for await (const { text } of history.texts(versions.keys())) await marker.markText(text);
  return versions;
}

/**
 * Young commits that what changed after them, down to a tip, doesn't tell: those without a younger commit on top, or with an older
 * one (clocks differ). The files of the others are the top's, or a younger commit changed them, and then it names both versions.
 */
function topmost(commits: readonly Commit[], young: readonly Commit[]): readonly string[] {
  const isYoung = new Set(young.map(({ commit }) => commit));
  const covered = new Set(young.flatMap(({ parents }) => parents));
  const under = new Set(commits.flatMap(({ commit, parents }) => (isYoung.has(commit) ? [] : parents)));
  return young.flatMap(({ commit }) => (covered.has(commit) && !under.has(commit) ? [] : [commit]));
}

/** Marks what a work tree's locks and pointers name as they lie there, and what was last brought to it. */
export async function markWorkTree(workspace: Workspace, marker: Marker): Promise<void> {
  const files = workTreeFiles(workspace);
  for (const path of [...files.pipelines.map(lockPathOf), ...files.pointers])
    await marker.markText(files.read(path) ?? '');
  for (const index of strayIndexes({ workspace }, []).values())
    for (const tree of index.trees.values()) await marker.mark(tree);
}

/** Marks what some refs in a store name; of another scope's the texts of its locks may lie there. */
export async function markRefs(
  store: Store,
  { marker, tally }: Pick<RootRequest, 'marker' | 'tally'>,
  { kind, names }: { readonly kind: 'store refs' | 'other scopes'; readonly names: readonly string[] },
): Promise<void> {
  for (const name of names) {
    const text = Buffer.from((await store.readFile(name)) ?? []).toString();
    tally.add(kind, kind === 'store refs' ? name : `${store.url}/${name}`);
    for (const [word] of text.matchAll(/\b[0-9a-f]{64}\b/g)) {
      const digest = parseDigest(word);
      if (digest === undefined) continue;
      await marker.mark(digest);
      if ((await store.missingObjects([digest])).length === 0)
        await marker.markText(Buffer.from(await store.readObject(digest)).toString());
    }
  }
}

/** The refs of a store by whether their branch is in one of these repositories. */
export async function sortRefs(
  store: DiskStore,
  repositories: readonly Repository[],
): Promise<{ readonly there: readonly string[]; readonly gone: readonly string[] }> {
  const known = new Set<string>();
  for (const { git, workTrees, commonDir } of repositories) {
    const add = (branch: string): unknown =>
      known.add(refName(`${refPrefix({ store }, commonDir)}${branch}`));
    for (const { kind, name } of await git.history.tips()) if (kind === 'branch') add(name);
    for (const workspace of workTrees) add((await workspace.head()).branch ?? '');
  }
  const names = await store.listFiles('refs/');
  return { there: names.filter((name) => known.has(name)), gone: names.filter((name) => !known.has(name)) };
}

/** Marks the results of runs that never ended, so that going on after a crash runs nothing again. */
export async function markUnfinished(store: Store, { marker, tally, since }: RootRequest): Promise<void> {
  const runs = new Set<string>();
  for (const name of await store.listFiles('runs/')) {
    const run = runOfHead(name);
    if (run === undefined || ulidTime(run) < since) continue;
    const bytes = await store.readFile(name);
    if (bytes !== undefined && parseHead(bytes)?.state === 'running') runs.add(run);
  }
  if (runs.size === 0) return;
  for (const run of runs) tally.add('unfinished runs', run);
  for (const codeHalf of await store.listCodeHalves()) {
    for (const name of await store.listSegments(codeHalf)) {
      for (const line of (await store.readSegment(codeHalf, name)).split('\n')) {
        const result = parseResultLine(line);
        if (result === undefined || !runs.has(result.run)) continue;
        for (const { digest } of result.outs) marker.objects.add(digest);
        marker.codeHalves.add(codeHalf);
      }
    }
  }
}
