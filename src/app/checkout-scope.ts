import { selectTargets } from '../graph/select.ts';
import { isWithin } from '../model/repo-path.ts';
import type { AppContext } from './ports.ts';
import type { Dataset, Project } from './project.ts';
import { typedPath } from './typed-path.ts';

/** What targets mean for data: whole datasets, and files at or below paths. */
export interface DataScope {
  /** Datasets that any of it touches. */
  readonly datasets: ReadonlySet<Dataset>;
  /** Whether a file of one of them is meant; undefined: all files of all datasets. */
  readonly within: ((dataset: Dataset, path: string) => boolean) | undefined;
  /** The paths below its home that alone are meant of a dataset, so that no more of its tree need be read; undefined: all. */
  readonly inside: (dataset: Dataset) => readonly string[] | undefined;
}

/** Reads targets (stage names, globs over them, paths) as data. Throws `no-target` (exit 4). */
export function dataScope(ctx: AppContext, project: Project, targets: readonly string[]): DataScope {
  if (targets.length === 0)
    return { datasets: new Set(project.datasets), within: undefined, inside: () => undefined };
  const whole = new Set<Dataset>();
  const paths: string[] = [];
  for (const target of targets) {
    const selection = selectTargets([target], {
      graph: project.graph,
      datasets: project.datasets.map(({ home }) => home),
      toPath: (typed) => typedPath(ctx, typed),
    });
    paths.push(...selection.paths);
    const isPath = selection.paths.length > 0;
    const stages = new Set([
      ...(isPath ? [] : selection.stages),
      ...selection.upstream,
      ...selection.downstream,
    ]);
    for (const dataset of project.datasets)
      if (dataset.stage !== undefined && stages.has(dataset.stage)) whole.add(dataset);
  }
  const touched = project.datasets.filter(({ home }) =>
    paths.some((path) => isWithin(path, home) || isWithin(home, path)),
  );
  return {
    datasets: new Set([...whole, ...touched]),
    within: (dataset, path) => whole.has(dataset) || paths.some((named) => isWithin(path, named)),
    inside: (dataset) =>
      whole.has(dataset) || paths.some((named) => isWithin(dataset.home, named))
        ? undefined
        : paths.filter((named) => isWithin(named, dataset.home)),
  };
}
