import { refused } from '../model/problem.ts';
import type { StageState } from './stage-state.ts';

const SHARE = 0.2;
const LEAST = 10;

/**
 * Throws `drop-guard` (exit 6) where a stage's vanished rows would take more than a fifth of a dataset's files, and more than
 * ten, with them: an empty listing upstream must not empty production.
 */
export async function checkDrops(state: StageState): Promise<void> {
  if (state.vanished.length === 0) return;
  const files = await state.files();
  const gone = state.vanished.flatMap((row) => (files.get(row.captures) ?? []).map((file) => file.path));
  for (const dataset of state.options.datasets) {
    const count = gone.filter((path) => path === dataset.home || path.startsWith(`${dataset.home}/`)).length;
    if (count <= LEAST || count <= dataset.files * SHARE) continue;
    throw refused(
      'drop-guard',
      `the run would drop ${count} of the ${dataset.files} files of ${dataset.home}, since nothing brings the datums of stage ${state.id} into being any more`,
      `Look at its inputs first: datawf status ${state.id}. If they are right: datawf repro --allow-drop`,
      gone.slice(0, 5),
    );
  }
}
