import { createPlaceFinder } from '../../src/store/places.ts';
import { createLocalRunner } from '../../src/run/local-runner.ts';
import { processIdentity } from '../../src/run/process-table.ts';
import { makeRunnerRig } from '../rig/runner-rig.ts';
import { runnerContract } from './runner.ts';

for (const [name, copyBelow] of [
  ['local', 0],
  ['local, copying inputs,', 1 << 20],
] as const) {
  runnerContract(name, async () => {
    const rig = makeRunnerRig();
    const runner = createLocalRunner({
      root: rig.root,
      storeFolder: rig.store.folder,
      node: process.execPath,
      path: process.env['PATH'] ?? '',
      process: processIdentity('here'),
      now: Date.now,
      places: createPlaceFinder(async () => [rig.store]),
      copyBelow,
      graceMs: 200,
    });
    return { rig, runner };
  });
}
