/** A request that ended without a whole answer. */
export class BrokenExchange extends Error {
  /** `timeout` for a server that fell silent, or what Node calls the fault (`ECONNRESET`). */
  readonly kind: string;

  constructor(kind: string, cause?: unknown) {
    super(`request broke: ${kind}`, { cause });
    this.kind = kind;
  }
}

/** Those to stop when a signal fires: one listener a signal, since a signal with thousands of them is slow. */
const stops = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `stop` once any of the signals fires, until the answer is called. */
export function onAbort(signals: readonly AbortSignal[], stop: () => void): () => void {
  for (const signal of signals) stopsOf(signal).add(stop);
  return () => {
    for (const signal of signals) stops.get(signal)?.delete(stop);
  };
}

function stopsOf(signal: AbortSignal): Set<() => void> {
  const known = stops.get(signal);
  if (known !== undefined) return known;
  const made = new Set<() => void>();
  stops.set(signal, made);
  signal.addEventListener(
    'abort',
    () => {
      for (const stop of [...made]) stop();
    },
    { once: true },
  );
  return made;
}
