import { datumTimes, labelPeriod } from '../graph/datums.ts';
import type { DatumRow } from '../model/datum.ts';
import { invalid } from '../model/problem.ts';
import type { Assessment } from './assess.ts';
import type { AppContext } from './ports.ts';
import type { RunRequest } from './requests.ts';
import type { RunPorts } from './run-ports.ts';
import { planLine } from './stage-report.ts';
import type { StageState } from './stage-state.ts';

export interface WindowFacts {
  readonly request: RunRequest;
  readonly assessment: Assessment;
  readonly ports: RunPorts;
}

/**
 * Says what a backfill is about to do before it does it: the window, the first and last datum, counts and an estimate from
 * earlier runs. Throws `empty-window` (exit 2) where no datum of the targets lies in the window; one that waits, or that the
 * mode doesn't take, does.
 */
export async function tellWindow(
  ctx: AppContext,
  { request, assessment, ports }: WindowFacts,
): Promise<void> {
  const { project, selection, states, memo } = assessment;
  const until = request.until ?? 'the end';
  ctx.emit({
    event: 'note',
    message: `window from ${request.since ?? 'the beginning'} to ${until} (not included), ${project.pipeline.zone}; ${request.order ?? 'newest'} first, mode ${request.mode}`,
  });
  let inside = 0;
  let unknown = false;
  let seconds = 0;
  for (const state of states) {
    if (!state.options.inScope) continue;
    const datums = await datumsInside(state);
    const selected = datums.filter((datum) => state.options.selects(datum.captures, datum.row));
    if (selection.stages.has(state.node)) {
      inside += datums.length;
      unknown ||= state.progress === 'deferred';
    }
    if (selected.length === 0) continue;
    const line = await planLine(ctx, state, memo);
    const perDatum = await usualSeconds(ports, state);
    seconds += line.toRun * (perDatum ?? 0);
    const bound = line.bound ? '≤ ' : '';
    ctx.emit({
      event: 'note',
      message: `${state.id}: ${spanText(state, selected)}; ${line.cached} cached, ${bound}${line.toRun} to run`,
    });
  }
  if (inside === 0 && !unknown) {
    throw invalid(
      'empty-window',
      `no datum of ${request.targets.join(', ')} lies in the window from ${request.since ?? ''} to ${until}`,
      'Check the dates (--until is not included), or see what there is: datawf status',
    );
  }
  if (seconds > 0)
    ctx.emit({ event: 'note', message: `about ${Math.max(1, Math.round(seconds))} s by earlier runs` });
}

interface NamedDatum {
  readonly id: string;
  readonly captures: ReadonlyMap<string, string>;
  readonly row?: DatumRow | undefined;
}

/** A stage's datums in the window, whatever the mode takes of them; of one whose datums aren't known yet, its rows. */
async function datumsInside(state: StageState): Promise<readonly NamedDatum[]> {
  return (await knownDatums(state)).filter((datum) => state.options.inWindow(datum.captures, datum.row));
}

async function knownDatums(state: StageState): Promise<readonly NamedDatum[]> {
  if (state.progress === 'unchanged' || state.progress === 'deferred') {
    await state.loadRows();
    return state.namedRows();
  }
  const planned = state.datums.map(({ id, spec, row }) => ({ id, captures: spec.captures, row }));
  return [...planned, ...(state.set?.waiting ?? [])];
}

/** How many datums, and the first and last of them by time. */
function spanText(state: StageState, datums: readonly NamedDatum[]): string {
  const [time] = datumTimes(state.node.stage);
  const count = datums.length === 1 ? '1 datum' : `${datums.length} datums`;
  if (time === undefined) return count;
  const startOf = ({ captures }: NamedDatum): number => {
    const label = captures.get(time);
    return label === undefined ? 0 : labelPeriod(label).start;
  };
  const sorted = [...datums].sort((a, b) => startOf(a) - startOf(b));
  const [first, last] = [sorted[0]?.id ?? '', sorted.at(-1)?.id ?? ''];
  return first === last ? `${count}, ${first}` : `${count} from ${first} to ${last}`;
}

const RUNS_LOOKED_AT = 10;

/** Wall seconds of a datum in the last runs of the stage, with as many at once as there were then. */
export async function usualSeconds(ports: RunPorts, state: StageState): Promise<number | undefined> {
  const history = await ports.history();
  for (const run of await history.listRuns({ stage: state.id, limit: RUNS_LOOKED_AT })) {
    const record = run.stages.find((stage) => stage.stage === state.id);
    if (record !== undefined && record.counts.ran > 0) return record.seconds / record.counts.ran;
  }
  return undefined;
}
