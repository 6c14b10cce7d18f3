import { createPodRunner } from '../rig/agent-pod.ts';
import { makeRunnerRig } from '../rig/runner-rig.ts';
import { runnerContract } from './runner.ts';

runnerContract(
  'pod',
  async () => {
    const rig = makeRunnerRig();
    return { rig, runner: createPodRunner(rig, `${rig.root}-pods`) };
  },
  // There is no working tree in a pod that could tell what wasn't declared.
  { knowsWorkingTree: false },
);
