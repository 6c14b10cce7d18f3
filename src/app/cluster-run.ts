import type { EnvironmentConfig } from '../model/config.ts';
import type { Digest } from '../model/digest.ts';
import { invalid } from '../model/problem.ts';
import { announceWriter } from '../store/announce.ts';
import { nodeLevels, pushNodes } from '../store/transfer.ts';
import { diffTrees } from '../store/trees.ts';
import type { Assessment } from './assess.ts';
import { announcerOf } from './announcer.ts';
import { openEnsure, type Ensure } from './cluster-inputs.ts';
import type { LockWriter } from './lock-writer.ts';
import { noStore } from './no-store.ts';
import type { AppContext, Remote } from './ports.ts';
import { rootOf } from './project.ts';
import type { StageState } from './stage-state.ts';
import { syncHome } from './sync-home.ts';
import type { Wanted } from './sync-plan.ts';
import { openTraffic } from './traffic.ts';

/** Whether the branch's stages run as Jobs. */
export function isCluster(environment: EnvironmentConfig | undefined): boolean {
  return environment?.executor === 'kubernetes';
}

/** The store that pods write; throws `no-store` (exit 2) without one, `no-bucket` (exit 2) for a folder. */
export async function clusterStore(ctx: AppContext): Promise<Remote> {
  const remotes = await ctx.remotes();
  const { write } = remotes;
  if (write === undefined) throw noStore(ctx, remotes.environment, 'write');
  const folder = remotes.read.find(({ store }) => !store.url.startsWith('s3://'));
  if (folder === undefined) return write;
  throw invalid(
    'no-bucket',
    `the store ${folder.name} is a folder, which the pods of a cluster can't reach`,
    'Give the environment stores in a bucket: url: s3://bucket/prefix',
  );
}

/** Refuses stages with work that can't run where the environment says (exit 2), before anything runs. */
export function refuseUnfit({ states }: Assessment, environment: EnvironmentConfig | undefined): void {
  const wantsImages = environment?.trust === 'image';
  if (!wantsImages && !isCluster(environment)) return;
  for (const { node, progress, open, options } of states) {
    const { stage } = node;
    if (!options.inScope || progress === 'unchanged' || progress === 'outside' || progress === 'settled')
      continue;
    if (progress === 'planned' && open === 0) continue;
    if (stage.sandbox === 'none') {
      throw invalid(
        'sandbox-none',
        `stage ${stage.id} says sandbox: none, and a pod has no repository to run in`,
        'Declare its code and deps and take that line out, or run it on this machine: --env NAME',
      );
    }
    if (stage.image !== undefined && isCluster(environment)) continue;
    if (stage.image !== undefined) {
      throw invalid(
        'not-in-image',
        `the environment ${environment?.name ?? ''} trusts only results made in the stage's image, and it runs ${stage.id} on this machine`,
        'Run it on a cluster (executor: kubernetes), or take `trust: image` out of .datawf/config.yaml.',
      );
    }
    throw invalid(
      'no-image',
      `stage ${stage.id} has no image, so it can't run on Kubernetes or under trust: image`,
      'Name one for all stages in datawf.yaml: defaults: {image: registry.example.org/tools:1}',
    );
  }
}

/** What a run on a cluster does besides. */
export interface ClusterWork {
  readonly ensure: Ensure;
  /** Keeps a readable code half where the results will be. */
  putKey(code: Digest, json: string): Promise<void>;
  /**
   * The end: the versions of the stages that changed are written to the store, so that others can have them, and the workspace
   * takes what of them is here; what isn't is told.
   */
  settle(assessment: Assessment, lock: LockWriter): Promise<void>;
  close(): Promise<void>;
}

/** Opens it for a branch whose stages run as Jobs; undefined for others. A sweep of the store waits meanwhile. */
export async function openClusterWork(ctx: AppContext): Promise<ClusterWork | undefined> {
  if (!isCluster(await ctx.environment())) return undefined;
  const { store } = await clusterStore(ctx);
  const ensure = openEnsure(ctx, await ctx.remotes());
  const announcement = await announceWriter(store, announcerOf(ctx, 'datawf repro'));
  return {
    ensure,
    putKey: (code, json) => store.putKey(code, json),
    settle: async (assessment, lock) => {
      const away = await settleCluster(ctx, { assessment, lock, ensure });
      if (away > 0) ctx.emit({ event: 'note', message: awayText(away) });
    },
    close: () => announcement.close(),
  };
}

function awayText(files: number): string {
  const [they, them] =
    files === 1
      ? ['1 file made in the cluster is', 'it']
      : [`${files} files made in the cluster are`, 'them'];
  return `${they} in the store and not here; to have ${them} here: datawf pull`;
}

interface ClusterEnd {
  readonly assessment: Assessment;
  readonly lock: LockWriter;
  readonly ensure: Ensure;
}

async function settleCluster(ctx: AppContext, end: ClusterEnd): Promise<number> {
  const changed = end.assessment.states.filter((state) => state.changed);
  const { write } = await ctx.remotes();
  if (write !== undefined) for (const state of changed) await writeVersions(ctx, { ...end, state, write });
  return await syncChanged(ctx, end, changed);
}

/** Trees name what is in the store: files that only this machine has go there first. */
async function writeVersions(
  ctx: AppContext,
  { lock, ensure, state, write }: ClusterEnd & { readonly state: StageState; readonly write: Remote },
): Promise<void> {
  const { moving } = openTraffic(ctx, 'pushing lists');
  for (const { owner, recorded } of state.options.datasets) {
    const after = lock.trees.get(owner)?.tree;
    if (after === undefined || (await write.store.hasTree(after))) continue;
    const before = recorded !== undefined && (await write.store.hasTree(recorded)) ? recorded : undefined;
    const { added, changed } = await diffTrees(ctx.store, before, after);
    await ensure([...added, ...changed.map(({ after: entry }) => entry)]);
    const levels = await nodeLevels(ctx.store, after, moving);
    await pushNodes(ctx.store, { to: write.store, levels, moving });
  }
}

async function syncChanged(
  ctx: AppContext,
  { assessment, lock }: ClusterEnd,
  changed: readonly StageState[],
): Promise<number> {
  const { project } = assessment;
  const roots = new Map<string, Map<string, Wanted>>();
  for (const state of changed) {
    for (const dataset of state.options.datasets) {
      const root = rootOf(project.roots, dataset.home) ?? dataset.home;
      const want = roots.get(root) ?? new Map<string, Wanted>();
      roots.set(root, want);
      want.set(dataset.owner, { dataset, tree: lock.trees.get(dataset.owner)?.tree ?? dataset.recorded });
    }
  }
  let away = 0;
  for (const [root, want] of roots) {
    const { missing } = await syncHome(ctx, { project, root, want, force: false });
    away += missing.length;
  }
  return away;
}
