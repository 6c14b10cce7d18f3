import {
  CodesSeen,
  formatRow,
  halvesIn,
  isFailedLine,
  isGoodOnce,
  parseRow,
  resultIn,
} from '../formats/datum-table.ts';
import { FILE_LINES } from '../formats/tree-split.ts';
import { mergeRowFiles, type FileChange, type SideOf } from '../graph/merge-files.ts';
import {
  mergeRow,
  mergeStageFacts,
  sideToTake,
  type OpenStage,
  type Side,
  type Sides,
} from '../graph/merge.ts';
import { capturesText } from '../model/captures.ts';
import type { DatumRow } from '../model/datum.ts';
import type { Digest } from '../model/digest.ts';
import type { TreeRef } from '../model/file-entry.ts';
import type { LockStage } from '../model/lock.ts';
import { matchPath, parsePattern, type Pattern } from '../model/pattern.ts';
import { notFound, refused } from '../model/problem.ts';
import type { RepoPath } from '../model/repo-path.ts';
import type { Store } from '../store/store.ts';
import { diffThreeTables, patchTable } from '../store/tables.ts';
import { diffNodes, type LineChange, type LineEdits } from '../store/tree-nodes.ts';
import { patchLines } from '../store/trees.ts';
import { toRepoPath } from './project.ts';
import { outSources } from './stage-rows.ts';

/** Rows that not all three versions have alike, merged. */
interface MergedRows {
  /** By the datum's name; whose files of it count. */
  readonly files: ReadonlyMap<string, RowFiles>;
  /** Lines that make ours' table the merged one. */
  readonly edits: LineEdits;
  /** By how much more of its lines are marked failed. */
  readonly failed: number;
  /** Datums that both sides made from different inputs or code. */
  readonly contested: number;
  /** Code halves of the changed rows of a side. */
  readonly codes: { readonly ours: ReadonlySet<Digest>; readonly theirs: ReadonlySet<Digest> };
}

/** Whose files of a row count, and which side has any. */
interface RowFiles {
  readonly side: Side;
  readonly ours: boolean;
  readonly theirs: boolean;
}

interface MergedLine {
  readonly merged: string | undefined;
  /** Whose files of the row count. */
  readonly side: Side;
  readonly contested: boolean;
}

/**
 * Merges an entry that both sides changed: rows by captures, and each file with its row. Writes table and trees into the
 * store. Throws a Problem where that can't be done for certain: `missing-tree`, `missing-key` (exit 4), `merge-conflict`
 * (exit 6). Reads and writes the parts that differ.
 */
export async function mergeStage(
  store: Store,
  stage: OpenStage,
): Promise<{ readonly stage: LockStage; readonly contested: number }> {
  const rows = await mergeRows(store, stage);
  const facts = mergeStageFacts(stage);
  const { datums } = stage.ours;
  const failed = datums.failed + rows.failed;
  const table = await patchTable(store, datums.table, rows.edits);
  // A dataset is its rows: with all of ours and their code, the files are ours too.
  const isOurs = rows.edits.size === 0 && facts.code === stage.ours.code;
  const outs = isOurs ? stage.ours.outs : await mergeOuts(store, stage, { rows, code: facts.code });
  const isWhole = failed === 0 && rows.contested === 0;
  const merged = { ...facts, inputs: isWhole ? facts.inputs : undefined, datums: { ...table, failed }, outs };
  return { stage: merged, contested: rows.contested };
}

async function mergeRows(store: Store, { base, ours, theirs }: OpenStage): Promise<MergedRows> {
  const tables = { base: base?.datums.table, ours: ours.datums.table, theirs: theirs.datums.table };
  const files = new Map<string, RowFiles>();
  const edits = new Map<string, string | undefined>();
  const codes = { ours: new CodesSeen(), theirs: new CodesSeen() };
  let failed = 0;
  let contested = 0;
  for (const lines of await diffThreeTables(store, tables)) {
    const change = mergeLines(lines);
    files.set(lines.captures, rowFiles(change.side, lines));
    codes.ours.add(lines.ours);
    codes.theirs.add(lines.theirs);
    if (change.contested) contested += 1;
    if (change.merged === lines.ours) continue;
    edits.set(lines.captures, change.merged);
    failed += Number(isFailed(change.merged)) - Number(isFailed(lines.ours));
  }
  return { files, edits, failed, contested, codes: { ours: codes.ours.codes, theirs: codes.theirs.codes } };
}

/** One row has one line: only where both sides changed it the fields are looked at. */
function mergeLines(lines: Sides<string>): MergedLine {
  const { base, ours, theirs } = lines;
  const side = sideToTake(lines, Object.is);
  if (side !== undefined) {
    const files = resultOf(ours) === resultOf(theirs) ? 'both' : side;
    return { merged: side === 'theirs' ? theirs : ours, side: files, contested: false };
  }
  if (isGood(ours) && isGood(theirs) && (base === undefined || isGood(base))) {
    // What mergeRow says of these, without reading their fields (2 µs a row).
    const files = resultIn(ours) === resultIn(theirs) ? 'both' : 'ours';
    return { merged: ours, side: files, contested: halvesIn(ours) !== halvesIn(theirs) };
  }
  const rows = { base: rowIn(base), ours: rowIn(ours), theirs: rowIn(theirs) };
  const { row, files, contested } = mergeRow(rows);
  const merged = row === rows.ours ? ours : row === undefined ? undefined : formatRow(row);
  return { merged, side: files, contested };
}

function rowIn(line: string | undefined): DatumRow | undefined {
  return line === undefined ? undefined : parseRow(line);
}

function isGood(line: string | undefined): line is string {
  return line !== undefined && !isFailedLine(line);
}

function isFailed(line: string | undefined): boolean {
  return line !== undefined && isFailedLine(line);
}

function resultOf(line: string | undefined): Digest | undefined {
  return line === undefined ? undefined : resultIn(line);
}

/** The few that there are, made once: a merge keeps one for each of its rows. */
const ROW_FILES: readonly RowFiles[] = (['ours', 'theirs', 'both'] as const).flatMap((side) =>
  [false, true].flatMap((ours) => [false, true].map((theirs) => ({ side, ours, theirs }))),
);

function rowFiles(side: Side, { ours, theirs }: Sides<string>): RowFiles {
  const at = side === 'ours' ? 0 : side === 'theirs' ? 4 : 8;
  const [mine, other] = [ours !== undefined && isGoodOnce(ours), theirs !== undefined && isGoodOnce(theirs)];
  return ROW_FILES[at + 2 * Number(mine) + Number(other)] as RowFiles;
}

async function mergeOuts(
  store: Store,
  stage: OpenStage,
  { rows, code }: { readonly rows: MergedRows; readonly code: Digest },
): Promise<Map<RepoPath, TreeRef>> {
  const { ours, theirs } = stage;
  const patterns = {
    ours: await outPatterns(store, ours, rows.codes.ours),
    theirs: await outPatterns(store, theirs, rows.codes.theirs),
  };
  const sideOf = rowSides(rows.files, patterns);
  const outs = new Map<RepoPath, TreeRef>();
  for (const home of new Set([...ours.outs.keys(), ...theirs.outs.keys()])) {
    const pair = { ours: ours.outs.get(home), theirs: theirs.outs.get(home) };
    const single = {
      ours: isSingle(patterns.ours, home),
      theirs: isSingle(patterns.theirs, home),
    };
    const ref = await mergeHome(store, { home, pair, single, sideOf });
    const declaring = code === ours.code ? ours : theirs;
    if (ref.files > 0 || declaring.outs.has(home)) outs.set(home, ref);
  }
  return outs;
}

interface HomeMerge {
  readonly home: RepoPath;
  readonly pair: { readonly ours: TreeRef | undefined; readonly theirs: TreeRef | undefined };
  /** The home is one file on that side, not a folder. */
  readonly single: { readonly ours: boolean; readonly theirs: boolean };
  readonly sideOf: SideOf;
}

async function mergeHome(store: Store, { home, pair, single, sideOf }: HomeMerge): Promise<TreeRef> {
  const { ours, theirs } = pair;
  if (ours !== undefined && ours.tree === theirs?.tree) return ours;
  if (ours !== undefined && theirs !== undefined && single.ours !== single.theirs) {
    throw refused('merge-conflict', `${home} is one file on one side and a folder on the other`);
  }
  const isFile = ours === undefined ? single.theirs : single.ours;
  const differing = await diffNodes(store, { before: ours?.tree, after: theirs?.tree }, FILE_LINES);
  const { put, remove, conflicts } = mergeRowFiles(changesOf(differing, { home, isFile }), sideOf);
  const [first, ...others] = conflicts;
  if (first !== undefined) throw refused('merge-conflict', first, undefined, others.slice(0, 20));
  const edits = new Map<string, string | undefined>();
  for (const { treePath } of remove) edits.set(treePath, undefined);
  for (const { treePath, after } of put) edits.set(treePath, after);
  return await patchLines(store, ours?.tree, edits);
}

interface LineFile extends FileChange {
  readonly after: string | undefined;
}

/** One after the other, since most of them needn't be kept. */
function* changesOf(
  lines: readonly LineChange[],
  { home, isFile }: { readonly home: RepoPath; readonly isFile: boolean },
): Generator<LineFile> {
  for (const { before, after } of lines) {
    const treePath = FILE_LINES.keyOf(after ?? before ?? '');
    const path = toRepoPath({ home, single: isFile }, treePath);
    yield { path, treePath, ours: before !== undefined, theirs: after !== undefined, after };
  }
}

/** The patterns that a side's files were written by: of its code half, then of those that its changed rows have. */
async function outPatterns(
  store: Store,
  stage: LockStage,
  used: ReadonlySet<Digest>,
): Promise<readonly Pattern[]> {
  const patterns = new Map<string, Pattern>();
  for (const code of new Set([stage.code, ...used])) {
    const json = await store.readKey(code);
    if (json === undefined && used.has(code)) {
      throw notFound('missing-key', `${store.url} doesn't have the code half ${code}`, GET_IT);
    }
    for (const source of outSources(json)) {
      if (!patterns.has(source)) patterns.set(source, parsePattern(`/${source}`, ''));
    }
  }
  return [...patterns.values()];
}

const GET_IT = 'Get it with `datawf pull`, then: datawf lock resolve';

/** Reads off a path which row it belongs to. The two sides of one path are asked for one after the other. */
function rowSides(
  files: MergedRows['files'],
  patterns: { readonly ours: readonly Pattern[]; readonly theirs: readonly Pattern[] },
): SideOf {
  const alike = sourcesOf(patterns.ours) === sourcesOf(patterns.theirs);
  let lastPath: string | undefined;
  let last: RowFiles | undefined;
  return (side, path) => {
    if (!alike || lastPath !== path || last?.[side] !== true) {
      lastPath = path;
      last = rowOf(files, path, { side, patterns: patterns[side] });
    }
    return last?.side;
  };
}

function rowOf(
  files: MergedRows['files'],
  path: string,
  { side, patterns }: { readonly side: 'ours' | 'theirs'; readonly patterns: readonly Pattern[] },
): RowFiles | undefined {
  for (const pattern of patterns) {
    const captures = matchPath(pattern, path);
    const row = captures === undefined ? undefined : files.get(capturesText(captures));
    if (row?.[side] === true) return row;
  }
  return undefined;
}

function sourcesOf(patterns: readonly Pattern[]): string {
  return patterns.map(({ source }) => source).join('\n');
}

function isSingle(patterns: readonly Pattern[], home: RepoPath): boolean {
  const own = patterns.filter((pattern) => pattern.home === home);
  return own.length > 0 && own.every((pattern) => pattern.shape === 'file' && pattern.captures.length === 0);
}
