import type { StageNode } from '../graph/graph.ts';
import { parseLine } from '../formats/tree-text.ts';
import { parseCaptures } from '../model/captures.ts';
import type { DatumRow } from '../model/datum.ts';
import { isDigest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { BlamedDatum, BlamedInput } from '../model/history-report.ts';
import { parsePattern } from '../model/pattern.ts';
import { joinPath, parentOf, repoPath } from '../model/repo-path.ts';
import { measureTree, readListing } from '../store/trees.ts';
import type { Makers } from './makers.ts';
import type { AppContext } from './ports.ts';

/** A row with its files at the path that was asked for. */
export interface MadeRow {
  readonly stage: StageNode;
  readonly row: DatumRow;
  /** One of its files. */
  readonly file: FileEntry;
  readonly files: number;
}

/** The readable code half as far as it is told. */
interface CodeDocument {
  readonly cmd?: string | readonly string[];
  readonly image?: string | null;
  readonly code?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly deps?: Readonly<Record<string, { readonly pattern?: string }>>;
}

const SHOWN = 20;

/** All that is known of the datum behind a row: its code, its inputs, and the runs that made it and put it in place. */
export async function blameDatum(
  ctx: AppContext,
  makers: Makers,
  { stage, row, file }: MadeRow,
): Promise<BlamedDatum> {
  const result = await makers.resultOf(row);
  const json = row.code === undefined ? undefined : await ctx.store.readKey(row.code);
  const document = json === undefined ? undefined : (JSON.parse(json) as CodeDocument);
  const run = result === undefined ? null : await makers.runOf(result.run);
  const placed = await makers.placedBy(stage.stage.id, row, file.path);
  return {
    stage: stage.stage.id,
    captures: Object.fromEntries(parseCaptures(row.captures) ?? []),
    failed: row.state === 'failed',
    code: {
      digest: row.code ?? '',
      cmd: document?.cmd ?? null,
      image: document?.image ?? null,
      files: Object.fromEntries(
        Object.entries(document?.code ?? {}).map(([path, text]) => [path, text.slice(text.indexOf(' ') + 1)]),
      ),
      params: document?.params ?? {},
    },
    input: row.input ?? '',
    inputs: result?.deps === undefined ? null : await readInputs(ctx, document?.deps ?? {}, result.deps),
    result: row.result ?? '',
    made: result?.made ?? null,
    seconds: result?.seconds ?? null,
    run,
    restoredBy: placed === undefined || placed.run === run?.run ? null : placed,
  };
}

/** Files per dep as the result's line has them: named, or as a tree. */
async function readInputs(
  ctx: AppContext,
  declared: NonNullable<CodeDocument['deps']>,
  texts: Readonly<Record<string, string>>,
): Promise<readonly BlamedInput[]> {
  const names = new Set([...Object.keys(declared), ...Object.keys(texts)]);
  return await Promise.all(
    [...names].map(async (dep) => {
      const pattern = declared[dep]?.pattern ?? '';
      const { files, tree, listing } = await readFiles(ctx, texts[dep]);
      const paths = listing
        .slice(0, SHOWN)
        .map(({ path, digest }) => ({ path: pathIn(pattern, path), digest: digest }));
      return { dep, pattern, files, tree, paths };
    }),
  );
}

interface InputFiles {
  readonly files: number | null;
  readonly tree: string | null;
  readonly listing: readonly FileEntry[];
}

async function readFiles(ctx: AppContext, text: string | undefined): Promise<InputFiles> {
  if (text === undefined) return { files: 0, tree: null, listing: [] };
  if (!isDigest(text)) {
    const listing = text.split('\n').flatMap((line) => {
      const entry = parseLine(line);
      return typeof entry === 'string' ? [] : [entry];
    });
    return { files: listing.length, tree: null, listing };
  }
  if (!(await ctx.store.hasTree(text))) return { files: null, tree: text, listing: [] };
  const { files } = await measureTree(ctx.store, text);
  return { files, tree: text, listing: files > MANY ? [] : await readListing(ctx.store, text) };
}

/** Above it the first files aren't worth the reading of all. */
const MANY = 100_000;

/** A path below a dep's home as a repository path; a literal file's is its last name. */
function pathIn(source: string, path: string): string {
  if (source === '') return path;
  const { home, shape, captures } = parsePattern(`/${source}`, '');
  const folder = shape === 'file' && captures.length === 0 ? parentOf(home) : home;
  return joinPath(folder, repoPath(path));
}
