import { readFileSync, writeFileSync } from 'node:fs';
import { conflictText } from '../formats/conflict-text.ts';
import type { RepoPath } from '../model/repo-path.ts';
import type { Store } from '../store/store.ts';
import { mergeText, type TextMerge } from './merge-text.ts';

/** What git hands a merge driver: files with the three versions, absolute. The answer goes into `ours`. Source: gitattributes(5). */
export interface DriverFiles {
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
  /** The file's path in the repository. */
  readonly path: RepoPath;
}

/**
 * Merges one file for git. Whatever keeps it from that (no store, damaged texts, a bug) is answered by a file with conflict
 * markers: git never takes what isn't merged for merged. The store is opened only when the texts could be read.
 */
export async function driveMerge(files: DriverFiles, openStore: () => Promise<Store>): Promise<TextMerge> {
  const [base, ours, theirs] = [readText(files.base), readText(files.ours), readText(files.theirs)];
  if (base === undefined || ours === undefined || theirs === undefined) {
    return { conflicts: [{ message: 'a version of it is not text', hint: WHOLE }] };
  }
  const merged = await merge();
  writeFileSync(files.ours, 'text' in merged ? merged.text : conflictText(ours, theirs));
  return merged;

  async function merge(): Promise<TextMerge> {
    try {
      // Git hands an empty file where there is no base: no lock and no pointer is empty.
      const texts = { base: base === '' ? undefined : base, ours: ours ?? '', theirs: theirs ?? '' };
      return await mergeText(await openStore(), { file: files.path, texts, prefer: undefined });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { conflicts: [{ message, hint: `Then: datawf lock resolve ${files.path}` }] };
    }
  }
}

const WHOLE = 'Take one side whole: git checkout --ours FILE (or --theirs), then git add FILE';

function readText(file: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** What a merge came to, in lines for people; none where there is nothing to say. */
export function mergeWords(path: string, merged: TextMerge): readonly string[] {
  if ('text' in merged) {
    return [...merged.contested].map(
      ([stage, count]) =>
        `${path}: stage ${stage}: both sides made ${count === 1 ? '1 datum' : `${count} datums`} from different inputs; ours stay, and the next repro runs what is stale`,
    );
  }
  const { conflicts } = merged;
  return [
    ...conflicts.slice(0, SHOWN).map(({ message }) => `${path}: ${message}`),
    ...(conflicts.length > SHOWN ? [`${path}: and ${conflicts.length - SHOWN} more`] : []),
    ...new Set(conflicts.map(({ hint }) => hint)),
  ];
}

const SHOWN = 20;
