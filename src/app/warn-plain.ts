import { Problem } from '../model/problem.ts';
import { datasetStates } from './datasets.ts';
import type { AppContext } from './ports.ts';
import type { Project } from './project.ts';
import { findSources } from './sources.ts';

/** Warns of files that deps see and that are neither added nor tracked by git: no clone will have them (concepts 1.2). */
export async function warnOfPlain(ctx: AppContext, project: Project): Promise<void> {
  if (project.graph.order.length === 0) return;
  const plainPaths = await plainFiles(ctx, project);
  if (plainPaths.length === 0) return;
  const tracked = new Set(await ctx.git.trackedFiles());
  const plain = plainPaths.filter((path) => !tracked.has(path));
  const [first] = plain;
  if (first === undefined) return;
  const more = plain.length > 1 ? ` and ${plain.length - 1} more files` : '';
  ctx.emit({
    event: 'warning',
    code: 'plain-files',
    message: `stages see ${first}${more}, which no clone will have: neither datawf nor git has ${plain.length > 1 ? 'them' : 'it'}`,
    hint: `Record ${plain.length > 1 ? 'them' : 'it'}: datawf add, or git add`,
  });
}

/** None where a dep can't be made sense of: that is for commands that run. */
async function plainFiles(ctx: AppContext, project: Project): Promise<readonly string[]> {
  try {
    return (await findSources(ctx, project, await datasetStates(ctx, project))).plainPaths;
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}
