import { env } from 'node:process';
import fc from 'fast-check';
import { runs } from './property.ts';

// The same cases every time, so that a change fails for what it changed; a soak run says others (docs/contributing.md).
const seed = env['FAST_CHECK_SEED'] ?? '20240131';
fc.configureGlobal({ ...(seed === 'random' ? {} : { seed: Number(seed) }), numRuns: runs(100) });
