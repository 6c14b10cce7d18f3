import { acquireLock } from '../workspace/process-lock.ts';
import { lockFileOf } from '../workspace/workspace.ts';
import type { AppContext } from './ports.ts';
import { noteUse } from './repositories.ts';

/**
 * Does work as the one writing command of this work tree, for as long as it takes; `name` is what other commands are told
 * (`datawf add`). Says so where it has to wait. Throws `locked` (exit 6) where another one doesn't end.
 */
export async function withLock<Value>(
  ctx: AppContext,
  name: string,
  body: () => Promise<Value>,
): Promise<Value> {
  const lock = await acquireLock({
    file: lockFileOf(ctx.workspace),
    command: name,
    now: ctx.around.now,
    signal: ctx.signal,
    onWait: (holder) =>
      ctx.emit({ event: 'note', message: `waiting for ${holder.command} (process ${holder.pid}) to end` }),
  });
  try {
    noteUse(ctx);
    return await body();
  } finally {
    lock.release();
  }
}
