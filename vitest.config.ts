import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{unit,contract,e2e}/**/*.test.ts'],
    setupFiles: ['test/rig/property-setup.ts'],
    pool: 'forks',
    // Files share processes: a third of the time of a unit test's file is its start.
    isolate: false,
    // vitest leaves one core idle, which is half of a small machine.
    maxWorkers: availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
});
