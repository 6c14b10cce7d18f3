import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../model/digest.ts';
import { EXIT, Problem } from '../model/problem.ts';
import type { SandboxFile } from '../run/runner.ts';
import { locateObjects } from '../store/copy-verified.ts';
import { forEachLimit } from '../util/limit.ts';
import type { AppContext, Remotes } from './ports.ts';
import { openTraffic } from './traffic.ts';

type Ensured = Pick<SandboxFile, 'path' | 'digest' | 'size' | 'kind'> & {
  readonly from?: SandboxFile['from'];
};

/** Sees to it that whoever reads the branch's stores finds these files; remembers what it has seen there. */
export type Ensure = (files: Iterable<Ensured>) => Promise<void>;

/**
 * What none of the stores that the branch reads has is pushed to the one that it writes, from here. Throws `missing-object`
 * (exit 4) for what isn't here either.
 */
export function openEnsure(ctx: AppContext, { read, write }: Remotes): Ensure {
  const known = new Set<Digest>();
  return async (files) => {
    const wanted = new Map<Digest, Ensured>();
    for (const file of files) if (!known.has(file.digest)) wanted.set(file.digest, file);
    const stores = read.map(({ store }) => store);
    const { nowhere } = await locateObjects(stores, wanted.keys(), ctx.signal);
    const traffic = openTraffic(ctx, 'pushing inputs');
    traffic.expect([...nowhere].map((digest) => wanted.get(digest)?.size ?? 0));
    const { jobs: limit, signal, onObject } = traffic.moving;
    await forEachLimit(nowhere, { limit, signal }, async (digest) => {
      const file = wanted.get(digest);
      if (file === undefined || write === undefined) return;
      if (ctx.local.hasObjectSync(digest))
        await write.store.putObject(digest, ctx.local.objectPath(digest), signal);
      else if (file.from !== 'workspace') throw lost(file);
      else if (file.kind === 'l')
        await write.store.putBytes(digest, Buffer.from(readlinkSync(join(ctx.workspace.root, file.path))));
      else await write.store.putObject(digest, join(ctx.workspace.root, file.path), signal);
      onObject?.(file.size);
    });
    for (const digest of wanted.keys()) known.add(digest);
  };
}

function lost({ path, digest }: Ensured): Problem {
  return new Problem({
    code: 'missing-object',
    message: `${path} (object ${digest}) is neither here nor in a store of this branch, so no pod can read it`,
    hint: 'Push it from where it is (datawf push), or make it again.',
    exit: EXIT.notFound,
  });
}
