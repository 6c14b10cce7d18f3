import { resolve } from 'node:path';
import { storeChain } from '../graph/environment.ts';
import { invalid } from '../model/problem.ts';
import type { Shelf } from '../store/shelf.ts';
import { likeStore } from './like-store.ts';
import type { AppContext } from './ports.ts';

/** The place that the environment of the branch publishes to. Throws `no-publish`, `publish-here` (exit 2). */
export async function shelfOf(ctx: AppContext): Promise<Shelf> {
  const environment = await ctx.environment();
  const url = environment?.publish;
  if (url === undefined) {
    const name = environment?.name ?? [...ctx.config.environments.keys()][0] ?? 'production';
    throw invalid(
      'no-publish',
      environment === undefined
        ? 'no environment fits the branch, so there is no place to publish to'
        : `the environment ${name} names no place to publish to`,
      `Name one: environments.${name}.publish in .datawf/config.yaml, a folder or s3://bucket/prefix`,
    );
  }
  if (!url.startsWith('s3://') && resolve(ctx.workspace.root, url) === ctx.workspace.root) {
    throw invalid('publish-here', 'the repository itself is no place to publish to', 'Name another folder.');
  }
  const like = likeStore(ctx, url, storeChain(ctx.config, environment).write);
  return await ctx.openShelf({ ...like, name: 'publish', url }, await ctx.branch());
}
