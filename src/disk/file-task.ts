import { startHashing, type HashTask } from './hash-task.ts';
import { startPlacing, type PlaceTask } from './place-task.ts';
import { startRemoving, type RemoveTask } from './remove-task.ts';
import type { RunOnFile, SharedJobs } from './shared-jobs.ts';

/** Work that can be done on many files in several threads; plain data, so that it can be sent to one. */
export type FileTask = HashTask | PlaceTask | RemoveTask;

/** Makes ready to do a task in this thread. */
export function startTask(task: FileTask, jobs: SharedJobs): RunOnFile {
  switch (task.task) {
    case 'hash':
      return startHashing(task, jobs);
    case 'place':
      return startPlacing(task, jobs);
    case 'remove':
      return startRemoving(task);
  }
}
