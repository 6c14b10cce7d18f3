import { formatLine } from '../formats/tree-text.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { Pattern } from '../model/pattern.ts';
import { writeListing } from '../store/trees.ts';
import { depListing } from './dep-digest.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { StageState } from './stage-state.ts';

/** Files of a dep that are named in a result's line; more of them are kept as a tree. */
const NAMED = 10;

/**
 * The input half of a datum that ran, readable, as its result's line keeps it: per dep the lines of its files, relative to
 * the dep's home, or the digest of their tree, which is in the store then. Deps without files are left out.
 */
export async function inputTexts(datum: DatumPlan<StageState>): Promise<Readonly<Record<string, string>>> {
  const state = datum.stage;
  const { files } = state.resolve(datum);
  const texts: Record<string, string> = {};
  for (const [index, dep] of state.node.stage.deps.entries()) {
    const own = files[index];
    const text =
      own === undefined ? await broadcastText(state, index) : await textOf(state, dep.pattern, own);
    if (text !== '') texts[dep.name] = text;
  }
  return texts;
}

/** Of a dep that all datums see; made once. */
async function broadcastText(state: StageState, index: number): Promise<string> {
  let text = state.broadcastTexts.get(index);
  if (text === undefined) {
    const { deps } = state.node.stage;
    const files = state.filesAt(index, state.set?.broadcast.get(index) ?? []);
    const pattern = deps[index]?.pattern;
    const whole = state.wholes[index]?.tree;
    text = whole ?? (pattern === undefined ? '' : await textOf(state, pattern, files));
    state.broadcastTexts.set(index, text);
  }
  return text;
}

async function textOf(state: StageState, pattern: Pattern, files: readonly FileEntry[]): Promise<string> {
  const listing = depListing(pattern, files);
  if (listing.length <= NAMED) return listing.map(formatLine).join('\n');
  const { tree }: { readonly tree: Digest } = await writeListing(state.options.store, listing);
  return tree;
}
