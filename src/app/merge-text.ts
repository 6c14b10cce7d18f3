import { formatLockFile, parseLockFile } from '../formats/lock-file.ts';
import { formatPointerFile, parsePointerFile } from '../formats/pointer-file.ts';
import { mergeStages } from '../graph/merge.ts';
import { EMPTY_LOCK, type LockStage } from '../model/lock.ts';
import type { Pointer } from '../model/pointer.ts';
import { Problem, refused } from '../model/problem.ts';
import type { RepoPath } from '../model/repo-path.ts';
import type { Store } from '../store/store.ts';
import { mergePointer } from './merge-pointer.ts';
import { mergeStage } from './merge-stage.ts';

/** Three versions of one tracked file. */
export interface MergeTexts {
  /** undefined where the file was added by both sides. */
  readonly base: string | undefined;
  readonly ours: string;
  readonly theirs: string;
}

export interface TextMergeRequest {
  /** Path of the file in the repository. */
  readonly file: RepoPath;
  readonly texts: MergeTexts;
  /** Which side wins where both changed one path, or a stage can't be merged; none: that is a conflict. */
  readonly prefer: 'ours' | 'theirs' | undefined;
}

/** A merged file, or what keeps it from being merged. */
export type TextMerge =
  | {
      readonly text: string;
      /** By stage, how many datums both sides made from different inputs. */
      readonly contested: ReadonlyMap<string, number>;
    }
  | { readonly conflicts: readonly Conflict[] };

/** What can't be merged, and why. */
export interface Conflict {
  readonly message: string;
  /** What to type. */
  readonly hint: string;
}

/** Whether datawf merges the file: a lock, or the pointer of data added by hand. */
export function isMergeable(path: string): boolean {
  return isLock(path) || /(^|\/)[^/]+\.datawf$/.test(path);
}

/**
 * Merges a lock or a pointer and writes what the merged text names into the store. What is wrong with a version, or isn't
 * in the store, is a conflict, never an exception.
 */
export async function mergeText(store: Store, request: TextMergeRequest): Promise<TextMerge> {
  try {
    const merged = await (isLock(request.file) ? mergeLocks(store, request) : mergePointers(store, request));
    if ('text' in merged) await store.makeDurable();
    return merged;
  } catch (error) {
    if (error instanceof Problem) return { conflicts: conflictsOf(error, { file: request.file }) };
    throw error;
  }
}

function isLock(path: string): boolean {
  return /(^|\/)datawf\.lock$/.test(path);
}

async function mergeLocks(store: Store, { file, texts, prefer }: TextMergeRequest): Promise<TextMerge> {
  const sides = parseSides(texts, (text) => parseLockFile(text, file));
  const { settled, open } = mergeStages({ ...sides, base: sides.base ?? EMPTY_LOCK });
  const stages = new Map<string, LockStage>(settled);
  const contested = new Map<string, number>();
  const conflicts: Conflict[] = [];
  for (const [name, stage] of open) {
    try {
      const merged = await mergeStage(store, stage);
      stages.set(name, merged.stage);
      if (merged.contested > 0) contested.set(name, merged.contested);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (prefer !== undefined) stages.set(name, stage[prefer]);
      else conflicts.push(...conflictsOf(error, { file, stage: name }));
    }
  }
  return conflicts.length > 0 ? { conflicts } : { text: formatLockFile({ stages }), contested };
}

async function mergePointers(store: Store, { file, texts, prefer }: TextMergeRequest): Promise<TextMerge> {
  const sides = parseSides(texts, (text) => parsePointerFile(text, file));
  const merged = await mergePointer(store, sides, prefer);
  return isPointer(merged)
    ? { text: formatPointerFile(merged, file), contested: new Map() }
    : { conflicts: merged.map((message) => ({ message, hint: chooseHint(file) })) };
}

function isPointer(merged: Pointer | readonly string[]): merged is Pointer {
  return 'content' in merged;
}

/** Reads the versions; throws the Problem `merge-unreadable` (exit 6) for one that isn't valid. */
function parseSides<Value>(
  texts: MergeTexts,
  parse: (text: string) => Value,
): { readonly base: Value | undefined; readonly ours: Value; readonly theirs: Value } {
  const read = (name: string, text: string): Value => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      throw refused('merge-unreadable', `${name} version can't be read: ${error.message}`);
    }
  };
  return {
    base: texts.base === undefined ? undefined : read('the common', texts.base),
    ours: read("ours'", texts.ours),
    theirs: read("theirs'", texts.theirs),
  };
}

function conflictsOf(problem: Problem, { file, stage }: { file: RepoPath; stage?: string }): Conflict[] {
  const prefix = stage === undefined ? '' : `stage ${stage}: `;
  const hint = hintOf(problem.code, file);
  return [problem.message, ...problem.details].map((message) => ({ message: prefix + message, hint }));
}

function hintOf(code: string, file: RepoPath): string {
  if (code === 'merge-unreadable')
    return `Take one side whole: git checkout --ours ${file} (or --theirs), then git add ${file}`;
  if (!/^(missing|corrupt)-/.test(code)) return chooseHint(file);
  const get = `Get what is missing with \`datawf pull\`, then: datawf lock resolve ${file}`;
  return isLock(file) ? `${get}; or take a side for these stages: --ours, --theirs` : get;
}

function chooseHint(file: RepoPath): string {
  return `Choose a side for what conflicts (the rest is merged): datawf lock resolve --ours ${file}, or --theirs`;
}
