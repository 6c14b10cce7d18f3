import type { Digest } from '../model/digest.ts';
import { EXIT, Problem, refused } from '../model/problem.ts';
import { namesOfLost } from './lost-objects.ts';
import { pointerPath } from './pointer-files.ts';
import type { AppContext } from './ports.ts';
import { loadProject, lockedStage, lockPathOf, workTreeFiles, type Project } from './project.ts';
import type { PushFacts } from './push-plan.ts';
import type { TransferScope } from './transfer-scope.ts';

/** Names shown in a message. */
const SHOWN = 20;

/** Refuses to hand on rows that are marked failed: `failed-rows` (exit 6). */
export function refuseFailed(project: Project, { datasets }: Pick<TransferScope, 'datasets'>): void {
  const stages = new Set([...datasets].flatMap(({ stage }) => stage ?? []));
  const failed = [...stages].flatMap(({ stage }) => {
    const count = lockedStage(project, stage)?.datums.failed ?? 0;
    return count === 0 ? [] : [`${stage.id}: ${count} failed`];
  });
  if (failed.length === 0) return;
  throw refused(
    'failed-rows',
    failed.length === 1
      ? `rows of a stage are marked failed (${failed[0] ?? ''})`
      : 'rows of stages are marked failed',
    'Mend them: datawf repro; or take their last good files, where there are any: --partial',
    failed.length === 1 ? [] : failed,
  );
}

/** Refuses locks and pointers that no commit has, since nobody reviewed them: `not-committed` (exit 6). */
export async function refuseUnreviewed(ctx: AppContext): Promise<void> {
  const tracked = workTreeFiles(ctx.workspace);
  const { commit } = await ctx.workspace.head();
  const { history } = ctx.git;
  const committed = new Set<string>();
  if (commit !== undefined) {
    const versions = await history.trackedIn([commit]);
    for await (const { text } of history.texts(versions.keys())) committed.add(text);
  }
  const files = [
    ...tracked.pipelines.map(lockPathOf),
    ...loadProject(tracked).pointers.map(({ path }) => pointerPath(path)),
  ];
  const loose = files.filter((file) => {
    const text = tracked.read(file);
    return text !== undefined && !committed.has(text);
  });
  const [first] = loose;
  if (first === undefined) return;
  throw refused(
    'not-committed',
    `${first}${loose.length === 1 ? ' is' : ` and ${loose.length - 1} more are`} not as in the last commit, and only what was reviewed is promoted`,
    'Commit and have it reviewed, or go back: git restore .',
    loose.length === 1 ? [] : loose.slice(0, SHOWN),
  );
}

/** Objects that no store has, or that are damaged wherever they are, by the names of their files: exit 4, or 7. */
export async function lostInPromotion(
  ctx: AppContext,
  { project, scope }: Pick<PushFacts, 'project' | 'scope'>,
  lost: ReadonlyMap<Digest, Problem | undefined>,
): Promise<Problem> {
  const { paths, stages } = await namesOfLost(ctx, { project, scope }, new Set(lost.keys()));
  const damage = [...lost.values()].find((one) => one !== undefined);
  const [first = ''] = paths;
  const what = paths.length === 1 ? first : `${first} and ${paths.length - 1} more`;
  const make = stages.length === 0 ? '' : `, or make it here: datawf repro ${stages.join(' ')}, datawf push`;
  const fact =
    damage === undefined
      ? `${what}: in no store of another environment that is known here, so nothing was copied`
      : `${what}: no store has the right bytes (${damage.message})`;
  return new Problem({
    code: damage === undefined ? 'missing-object' : damage.code,
    message: fact,
    hint:
      damage === undefined
        ? `Say where it is: --from STORE or --from BRANCH; push it on the branch that was merged${make}`
        : `Mend it there: datawf verify --all, datawf push${make}`,
    exit: damage === undefined ? EXIT.notFound : EXIT.integrity,
    details: paths.length === 1 ? [] : paths.slice(0, SHOWN),
    cause: damage,
  });
}
