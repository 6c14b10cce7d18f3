import { createRequire } from 'node:module';
import type * as Commander from 'commander';

/**
 * The commander package, when a command is parsed. By require, since its ES module only wraps that: loading it takes 20 ms of
 * CPU this way and 40 ms by import (2 busy cores, Node 20).
 */
export function loadCommander(): typeof Commander {
  return createRequire(import.meta.url)('commander') as typeof Commander;
}
