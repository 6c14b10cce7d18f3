import { Problem } from '../model/problem.ts';
import { loadProject, lockPathOf, type Project, type TrackedFiles } from './project.ts';

/**
 * What the tracked files say, without those that can't be read, and why they can't: for commands that have to work all the more
 * where something is broken.
 */
export function readableProject(tracked: TrackedFiles): {
  readonly project: Project;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const broken = new Set<string>();
  for (;;) {
    const pipelines = tracked.pipelines.filter((path) => !broken.has(path));
    const pointers = tracked.pointers.filter((path) => !broken.has(path));
    const read = (path: string): string | undefined => (broken.has(path) ? undefined : tracked.read(path));
    try {
      return { project: loadProject({ pipelines, pointers, read }), problems };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error);
      const file = error.place?.file ?? '';
      const known = [...pipelines, ...pipelines.map(lockPathOf), ...pointers];
      // Without a file to leave out, none can be told from the others.
      const left = known.includes(file as (typeof known)[number]) && !broken.has(file) ? [file] : known;
      for (const path of left) broken.add(path);
    }
  }
}
