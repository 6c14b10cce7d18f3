import { formatRef, refName } from '../formats/ref-file.ts';
import { pushNodes } from '../store/transfer.ts';
import { digestHex } from '../util/blake3.ts';
import { forEachLimit } from '../util/limit.ts';
import type { AppContext, Remote } from './ports.ts';
import type { PushFacts, PushPlan } from './push-plan.ts';
import type { RefDraft } from './refs.ts';

/** Writes what names objects that are there already: trees and tables, keys, results, texts. Durable when it resolves. */
export async function carryNames(
  ctx: AppContext,
  { to: { store }, moving }: Pick<PushFacts, 'to' | 'moving'>,
  plan: PushPlan,
): Promise<void> {
  await pushNodes(ctx.store, { to: store, levels: plan.levels, moving });
  const { jobs: limit, signal } = moving;
  const halves = new Set(plan.results.map(({ codeHalf }) => codeHalf));
  await forEachLimit(halves, { limit, signal }, async (half) => {
    const json = await ctx.store.readKey(half);
    if (json !== undefined && digestHex(json) === half) await store.putKey(half, json);
  });
  await forEachLimit(plan.results, { limit, signal }, ({ codeHalf, name, ndjson }) =>
    store.putSegment(codeHalf, name, ndjson),
  );
  await forEachLimit(plan.texts, { limit, signal }, async ([digest, text]) => {
    await ctx.store.putBytes(digest, Buffer.from(text));
    await store.putBytes(digest, Buffer.from(text));
  });
  await store.makeDurable();
}

/** Has a store name what a branch has there; call it when all of that is there. */
export async function writeRef(to: Remote, branch: string, { ref }: RefDraft): Promise<void> {
  await to.store.writeFile(refName(branch), Buffer.from(formatRef(ref)), { replace: true });
}
