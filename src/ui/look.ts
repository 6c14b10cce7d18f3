import type { Style } from './style.ts';

/** How text may look here. */
export interface Look {
  readonly style: Style;
  readonly verbose: boolean;
  /** Epoch milliseconds, for ages. */
  readonly now: number;
}
