import type { FileEntry } from '../model/file-entry.ts';
import type { Dep } from '../model/stage.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { StageState } from './stage-state.ts';

/**
 * The files of the store that a datum's command would read, as far as they are known: as files, or by URL from whatever store
 * has them. A symlink's own text is read here in either case.
 */
export async function storedInputs(
  { stage: state, spec }: DatumPlan<StageState>,
  access: Dep['access'],
): Promise<readonly FileEntry[]> {
  const files: FileEntry[] = [];
  for (const [index, dep] of state.node.stage.deps.entries()) {
    const isMeant = ({ kind }: FileEntry): boolean => (kind === 'l' ? 'file' : dep.access) === access;
    const whole = state.wholes[index];
    const own = spec.files[index] ?? (whole === undefined ? state.set?.broadcast.get(index) : undefined);
    if (whole !== undefined) files.push(...(await whole.load()).filter(isMeant));
    const stored = (own ?? []).filter((at) => state.views[index]?.sources[at] === 'store');
    if (whole === undefined) files.push(...state.filesAt(index, stored).filter(isMeant));
  }
  return files;
}
