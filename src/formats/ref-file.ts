import { isDigest, type Digest } from '../model/digest.ts';
import { damaged, type Problem } from '../model/problem.ts';
import type { BranchRef } from '../model/ref.ts';
import { compareBytes, pathFault, type RepoPath } from '../model/repo-path.ts';

/** Where a branch's ref lies in a store. */
export function refName(branch: string): string {
  return `refs/${branch}.json`;
}

/** The text of a ref: a line a field, as `recover.sh` reads it. */
export function formatRef({ commit, reads, locks, pointers, single, files, remote }: BranchRef): string {
  const fields = {
    commit: commit ?? '',
    reads,
    locks: sorted(locks),
    pointers: sorted(pointers),
    single: [...single].sort(compareBytes),
    ...(files.size === 0 ? {} : { files: sorted(files) }),
    ...(remote === undefined ? {} : { remote }),
  };
  const lines = Object.entries(fields).map(([name, value]) => `"${name}": ${spaced(value)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

function sorted(map: ReadonlyMap<RepoPath, Digest>): Record<string, Digest> {
  return Object.fromEntries([...map].sort(([a], [b]) => compareBytes(a, b)));
}

/** JSON with a space behind each comma and colon between values. */
function spaced(value: string | readonly string[] | Readonly<Record<string, Digest>>): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
  const pairs = Object.entries(value).map(([key, own]) => `${JSON.stringify(key)}: ${JSON.stringify(own)}`);
  return `{${pairs.join(', ')}}`;
}

/** Reads a ref; fields that this version doesn't know are passed over. Throws `corrupt-ref` (exit 7). */
export function parseRef(text: string, place: string): BranchRef {
  const value = parseObject(text);
  if (value === undefined) throw corruptRef(place);
  const { commit, reads, remote } = value;
  return {
    commit: typeof commit === 'string' && commit !== '' ? commit : undefined,
    reads: textsOf(reads ?? [], place),
    locks: digestsOf(value['locks'], place),
    pointers: digestsOf(value['pointers'], place),
    single: textsOf(value['single'] ?? [], place) as readonly RepoPath[],
    files: digestsOf(value['files'] ?? {}, place),
    remote: typeof remote === 'string' ? remote : undefined,
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function textsOf(value: unknown, place: string): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw corruptRef(place);
}

function digestsOf(value: unknown, place: string): ReadonlyMap<RepoPath, Digest> {
  if (typeof value !== 'object' || value === null) throw corruptRef(place);
  const digests = new Map<RepoPath, Digest>();
  for (const [path, digest] of Object.entries(value)) {
    if (pathFault(path) !== undefined || typeof digest !== 'string' || !isDigest(digest))
      throw corruptRef(place);
    digests.set(path as RepoPath, digest);
  }
  return digests;
}

function corruptRef(place: string): Problem {
  return damaged('corrupt-ref', `${place} is no ref of datawf`, 'Write it again: datawf push');
}
