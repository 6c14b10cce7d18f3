import type { EndEvent } from '../model/event.ts';
import type { Moving } from '../store/transfer.ts';
import type { AppContext } from './ports.ts';

/** Objects moved at a time, unless `-j` says otherwise. */
const AT_ONCE = 64;

/** Counts what a command moves and shows how far it is. */
export interface Traffic {
  readonly moving: Moving;
  /** Further objects that are to be moved, and their bytes. */
  expect(sizes: Iterable<number>): void;
  /** The last event of the command. */
  end(facts: {
    readonly verb: string;
    readonly exit: number;
    readonly [key: string]: unknown;
  }): Promise<EndEvent>;
}

/** Opens the counters of a command; `doing` is what progress says: "pushing". */
export function openTraffic(ctx: AppContext, doing: string): Traffic {
  const started = ctx.around.now();
  const done = { objects: 0, bytes: 0 };
  const total = { objects: 0, bytes: 0 };
  return {
    moving: {
      jobs: ctx.config.jobs ?? AT_ONCE,
      signal: ctx.signal,
      onObject: (bytes) => {
        done.objects += 1;
        done.bytes += bytes;
        const { objects, bytes: totalBytes } = total;
        ctx.emit({
          event: 'progress',
          verb: doing,
          done: done.objects,
          total: objects,
          bytes: done.bytes,
          totalBytes,
        });
      },
    },
    expect: (sizes) => {
      for (const size of sizes) {
        total.objects += 1;
        total.bytes += size;
      }
    },
    end: async (facts) => {
      const { read } = await ctx.remotes();
      const requests = read.reduce((sum, { store }) => sum + store.traffic.requests, 0);
      const seconds = (ctx.around.now() - started) / 1000;
      return { event: 'end', ...(facts.dryRun ? total : done), requests, seconds, ...facts };
    },
  };
}
