import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import { conflictSides, hasConflict } from '../formats/conflict-text.ts';
import type { ResolvedFile, ResolveReport } from '../model/setup-report.ts';
import { invalid } from '../model/problem.ts';
import { compareBytes, type RepoPath } from '../model/repo-path.ts';
import { isMergeable, mergeText, type MergeTexts } from './merge-text.ts';
import type { AppContext } from './ports.ts';
import { typedPath } from './typed-path.ts';
import { withRecord } from './refs.ts';

export interface ResolveRequest {
  /** Files as typed; all that a merge left open without any. */
  readonly files: readonly string[];
  /** Which side wins where the two can't be merged. */
  readonly prefer: 'ours' | 'theirs' | undefined;
  readonly dryRun: boolean;
}

/**
 * Finishes a merge of locks and pointers that git, or a host, couldn't do: from the versions that git's index has, else from
 * the commits that were merged. Each file merged is written and given to git. Never touches other files.
 */
export async function resolveMerges(ctx: AppContext, request: ResolveRequest): Promise<ResolveReport> {
  const work = async (): Promise<ResolveReport> => {
    const unmerged = await ctx.git.unmergedFiles();
    const files: ResolvedFile[] = [];
    for (const file of await chosenFiles(ctx, request.files, unmerged)) {
      const texts = await versionsOf(ctx, file, unmerged.get(file));
      files.push(await resolveFile(ctx, request, { file, texts }));
    }
    const done = files.filter(({ state }) => state === 'merged').map(({ file }) => file);
    if (!request.dryRun) await ctx.git.stagePaths(done);
    return { dryRun: request.dryRun, files };
  };
  return request.dryRun ? await work() : await withRecord(ctx, 'datawf lock resolve', work);
}

type Unmerged = ReadonlyMap<string, ReadonlySet<number>>;

async function chosenFiles(
  ctx: AppContext,
  typed: readonly string[],
  unmerged: Unmerged,
): Promise<readonly RepoPath[]> {
  if (typed.length > 0) {
    return typed.map((text) => {
      const path = typedPath(ctx, text);
      if (isMergeable(path)) return path as RepoPath;
      throw invalid(
        'not-mergeable',
        `${path} is neither a datawf.lock nor a .datawf file`,
        'Edit other files yourself: keep what is right, delete the marker lines, git add it.',
      );
    });
  }
  const tracked = (await ctx.git.trackedFiles()).filter(isMergeable);
  const marked = tracked.filter((path) => hasConflict(readText(ctx, path) ?? ''));
  const all = new Set([...[...unmerged.keys()].filter(isMergeable), ...marked]);
  return [...all].sort(compareBytes) as RepoPath[];
}

/** The versions to merge, or in words why there are none; undefined: the file isn't in conflict. */
async function versionsOf(
  ctx: AppContext,
  file: RepoPath,
  stages: ReadonlySet<number> | undefined,
): Promise<MergeTexts | string | undefined> {
  if (stages !== undefined) {
    const [base, ours, theirs] = await Promise.all([1, 2, 3].map((stage) => ctx.git.indexFile(file, stage)));
    if (ours !== undefined && theirs !== undefined) return { base, ours, theirs };
    const deleted = ours === undefined ? 'ours' : 'theirs';
    return `it was deleted by ${deleted} and changed by the other side: keep it with git add ${file}, or let it go with git rm ${file}`;
  }
  const text = readText(ctx, file);
  if (text === undefined || !hasConflict(text)) return undefined;
  return (
    (await mergedVersions(ctx, file, text)) ??
    `it has conflict markers, and the merge they are from isn't known here: take it from one side (git checkout BRANCH -- ${file}), then run: datawf repro`
  );
}

/** The versions of the commits that are being merged, or that the last commit merged: if the markers are of those. */
async function mergedVersions(
  ctx: AppContext,
  file: RepoPath,
  text: string,
): Promise<MergeTexts | undefined> {
  const sides = conflictSides(text);
  const [ours, theirs] =
    (await ctx.git.resolveRef('MERGE_HEAD')) === undefined ? ['HEAD^1', 'HEAD^2'] : ['HEAD', 'MERGE_HEAD'];
  if (sides === undefined || (await ctx.git.resolveRef(theirs)) === undefined) return undefined;
  const bases = await ctx.git.mergeBases(ours, theirs);
  const [first] = bases;
  const texts = {
    ours: await ctx.git.showFile(ours, file),
    theirs: await ctx.git.showFile(theirs, file),
  };
  if (first === undefined || bases.length > 1) return undefined;
  if (texts.ours !== sides.ours || texts.theirs !== sides.theirs) return undefined;
  return { ...sides, base: await ctx.git.showFile(first, file) };
}

async function resolveFile(
  ctx: AppContext,
  { prefer, dryRun }: ResolveRequest,
  { file, texts }: { readonly file: RepoPath; readonly texts: MergeTexts | string | undefined },
): Promise<ResolvedFile> {
  const none = { file, conflicts: [], contested: 0 };
  if (texts === undefined) return { ...none, state: 'clean' };
  if (typeof texts === 'string')
    return { ...none, state: 'conflict', conflicts: [{ message: texts, hint: null }] };
  const merged = await mergeText(ctx.store, { file, texts, prefer });
  if ('conflicts' in merged) return { ...none, state: 'conflict', conflicts: merged.conflicts };
  if (!dryRun) writeAtomic(join(ctx.workspace.root, file), merged.text);
  const contested = [...merged.contested.values()].reduce((sum, count) => sum + count, 0);
  return { ...none, state: 'merged', contested };
}

function readText(ctx: AppContext, path: string): string | undefined {
  const file = join(ctx.workspace.root, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
