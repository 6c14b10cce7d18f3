import { parseRow } from '../formats/datum-table.ts';
import { formatResultLine } from '../formats/result-line.ts';
import { formatListing } from '../formats/tree-text.ts';
import type { StageNode } from '../graph/graph.ts';
import { parseCaptures } from '../model/captures.ts';
import type { Digest } from '../model/digest.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { treesOfDeps, type ResultRecord } from '../model/result.ts';
import { SEGMENT_RESULTS } from '../store/result-writer.ts';
import { openResults, readSegments, type ResultSource, type Results } from '../store/results.ts';
import type { Store } from '../store/store.ts';
import { diffTables } from '../store/tables.ts';
import type { Sizes } from '../store/transfer.ts';
import { digestHex } from '../util/blake3.ts';
import { ifThere, type KnownVersions } from './known-versions.ts';
import type { AppContext } from './ports.ts';
import { localResultFilter } from './result-scope.ts';
import type { TransferScope } from './transfer-scope.ts';

/** Results of one code half, to be written as a segment; named by its content, so that writing it twice is the same. */
export interface ResultBatch {
  readonly codeHalf: Digest;
  readonly name: string;
  readonly ndjson: string;
  /** Runs that made them. */
  readonly runs: ReadonlySet<string>;
  /** Lists of what their datums saw. */
  readonly inputs: ReadonlySet<Digest>;
}

/** Told of a row whose result is looked up; undefined where nobody remembers it. */
export type RowListener = (node: StageNode, captures: string, record: ResultRecord | undefined) => void;

interface Tables {
  readonly tables: readonly { readonly node: StageNode; readonly root: Digest; readonly name: string }[];
  readonly known: KnownVersions;
  readonly scope: TransferScope;
  readonly results?: readonly ResultSource[];
  readonly onRow?: RowListener;
}

/** The results of rows that no known table has, as far as somebody remembers them. */
export async function resultsOfRows(
  ctx: AppContext,
  { tables, known, scope, results: further = [], onRow }: Tables,
): Promise<readonly ResultBatch[]> {
  const byCode = new Map<Digest, ResultRecord[]>();
  const find = resultFinder(ctx, further);
  for (const { node, root, name } of tables) {
    if (known.roots.has(root)) continue;
    const selects = scope.rowsOf(node);
    const near = known.tables.get(name)?.[0];
    const diff = near === undefined ? undefined : await ifThere(diffTables(ctx.store, near, root));
    const { added, changed } = diff ?? (await diffTables(ctx.store, undefined, root));
    for (const line of [...added, ...changed.map(({ after }) => after)]) {
      const { code, input, result, captures } = parseRow(line);
      if (code === undefined || input === undefined || result === undefined) continue;
      if (!selects(parseCaptures(captures) ?? new Map<string, string>())) continue;
      const record = await find(code, input, result);
      onRow?.(node, captures, record);
      if (record === undefined) continue;
      const records = byCode.get(code) ?? [];
      byCode.set(code, records);
      records.push(record);
    }
  }
  return [...byCode].flatMap(([codeHalf, records]) => batches(codeHalf, records));
}

type Find = (code: Digest, input: Digest, result: Digest) => Promise<ResultRecord | undefined>;

/** Looks results up here, then in what is kept of the stores that the branch reads, then in further stores, each opened when it is asked. */
function resultFinder(ctx: AppContext, further: readonly ResultSource[]): Find {
  const opened = new Map<string, Promise<Results | undefined>>();
  const open = (code: Digest, source: ResultSource, at: number): Promise<Results | undefined> => {
    const key = `${at} ${code}`;
    let results = opened.get(key);
    if (results === undefined)
      opened.set(
        key,
        (results = further.includes(source) ? tryOpen(source, code) : openResults(source, code)),
      );
    return results;
  };
  return async (code, input, result) => {
    const { read } = await ctx.remotes();
    const sources = [ctx.store, ...read.map(({ kept }) => kept), ...further];
    for (const [at, source] of sources.entries()) {
      const found = (await open(code, source, at))?.findResult(input, result);
      if (found !== undefined && digestHex(formatListing(found.outs)) === result) return found;
    }
    return undefined;
  };
}

/** Damage in a store that isn't this branch's is nobody's matter here: what it remembers isn't known then. */
async function tryOpen(source: ResultSource, code: Digest): Promise<Results | undefined> {
  try {
    return await openResults(source, code);
  } catch (error) {
    if (error instanceof Problem && error.exit === EXIT.integrity) return undefined;
    throw error;
  }
}

/**
 * All results of the local store that count for this branch and that another doesn't have, with the objects that they rest on;
 * without those whose files are gone here.
 */
export async function resultsOfStore(
  ctx: AppContext,
  to: Store,
): Promise<{ readonly batches: readonly ResultBatch[]; readonly objects: Sizes }> {
  const all: ResultBatch[] = [];
  const objects = new Map<Digest, number>();
  const isOwn = await localResultFilter(ctx);
  for (const codeHalf of await ctx.store.listCodeHalves()) {
    const there = await openResults(to, codeHalf);
    const own = await openResults(ctx.store, codeHalf);
    const records: ResultRecord[] = [];
    for (const segment of await readSegments(ctx.store, codeHalf)) {
      for (const { input, result } of segment.lines) {
        if (there.findResult(input, result) !== undefined) continue;
        const counts = (one: ResultRecord): boolean => one.result === result && isOwn?.(one) !== false;
        const record = own.find(input, result, counts);
        if (record === undefined) continue;
        if (!record.outs.every(({ digest }) => ctx.store.hasObjectSync(digest))) continue;
        records.push(record);
        for (const { digest, size } of record.outs) objects.set(digest, size);
      }
    }
    all.push(...batches(codeHalf, records));
  }
  return { batches: all, objects };
}

function batches(codeHalf: Digest, records: readonly ResultRecord[]): ResultBatch[] {
  const parts: ResultBatch[] = [];
  for (let start = 0; start < records.length; start += SEGMENT_RESULTS) {
    const some = records.slice(start, start + SEGMENT_RESULTS);
    const ndjson = [...new Set(some.map(formatResultLine))].map((line) => `${line}\n`).join('');
    const newest = some.reduce((run, record) => (record.run > run ? record.run : run), '');
    const name = `${newest}-p${digestHex(ndjson).slice(0, 16)}-${some.length}.ndjson`;
    const runs = new Set(some.map(({ run }) => run));
    parts.push({ codeHalf, name, ndjson, runs, inputs: new Set(some.flatMap(treesOfDeps)) });
  }
  return parts;
}
