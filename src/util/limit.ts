/**
 * Does work on every item, `limit` at a time, begun in their order. After a failure or an abort nothing more begins; the first
 * failure is thrown when all that had begun has ended.
 */
export async function forEachLimit<Item>(
  items: Iterable<Item>,
  options: { readonly limit: number; readonly signal?: AbortSignal | undefined },
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      try {
        options.signal?.throwIfAborted();
        await work(next.value);
      } catch (error) {
        failure ??= { error };
      }
      if (failure !== undefined) return;
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.limit) }, worker));
  if (failure !== undefined) throw failure.error;
}
