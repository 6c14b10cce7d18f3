import type { Assessment } from './assess.ts';
import type { AppContext } from './ports.ts';

export async function bringHere(_ctx: AppContext, _assessment: Assessment): Promise<number> {
  return 0;
}
export async function clearUndeclared(
  _ctx: AppContext,
  _assessment: Assessment,
  _homes: readonly string[],
): Promise<void> {}
