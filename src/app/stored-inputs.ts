import type { FileEntry } from '../model/file-entry.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { StageState } from './stage-state.ts';

/** The files that a datum's command would read from the store, as far as they are known. */
export async function storedInputs({
  stage: state,
  spec,
}: DatumPlan<StageState>): Promise<readonly FileEntry[]> {
  const files: FileEntry[] = [];
  for (const index of state.node.stage.deps.keys()) {
    const whole = state.wholes[index];
    const own = spec.files[index] ?? (whole === undefined ? state.set?.broadcast.get(index) : undefined);
    if (whole !== undefined) files.push(...(await whole.load()));
    const stored = (own ?? []).filter((at) => state.views[index]?.sources[at] === 'store');
    if (whole === undefined) files.push(...state.filesAt(index, stored));
  }
  return files;
}
