import type { EndEvent } from '../model/event.ts';
import { addTargets } from './add-targets.ts';
import { noteForGit } from './git-note.ts';
import { pointerPath } from './pointer-files.ts';
import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles } from './project.ts';
import { recordData, type Recorded } from './record-data.ts';
import { withRecord } from './refs.ts';

export interface AddRequest {
  /** As typed. */
  readonly paths: readonly string[];
  readonly dryRun: boolean;
}

/**
 * Records files and folders as data added by hand, also single files into a dataset that is there. The end event has the
 * totals of the datasets concerned: `files`, `bytes`, `added`, `changed`, `deleted`.
 */
export async function add(ctx: AppContext, request: AddRequest): Promise<EndEvent> {
  const started = ctx.around.now();
  const work = async (): Promise<Recorded> => {
    const project = loadProject(workTreeFiles(ctx.workspace));
    const targets = await addTargets(ctx, project, request.paths);
    return recordData(ctx, project, { targets, dryRun: request.dryRun });
  };
  const { written, created, ...totals } = request.dryRun
    ? await work()
    : await withRecord(ctx, 'datawf add', work);
  await warnOfIgnored(ctx, created);
  if (totals.added + totals.changed + totals.deleted === 0)
    ctx.emit({ event: 'note', message: 'nothing changed' });
  await noteForGit(ctx, written);
  const end: EndEvent = { event: 'end', exit: 0, seconds: (ctx.around.now() - started) / 1000, ...totals };
  ctx.emit(end);
  return end;
}

/** A pointer that git ignores reaches no clone. */
async function warnOfIgnored(ctx: AppContext, homes: readonly string[]): Promise<void> {
  const ignored = await ctx.git.ignored(homes.map(pointerPath));
  const [first] = ignored;
  if (first === undefined) return;
  ctx.emit({
    event: 'warning',
    code: 'pointer-ignored',
    message: `git ignores ${first}${ignored.length > 1 ? ` and ${ignored.length - 1} more pointers` : ''}, so no clone will have the data`,
    hint: `See which line does it (git check-ignore -v ${first}) and narrow it: the data have a line of their own.`,
  });
}
