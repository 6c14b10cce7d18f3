import { labelPeriod, datumTimes } from '../graph/datums.ts';
import type { StageNode } from '../graph/graph.ts';
import type { Captures } from '../model/captures.ts';
import { matchPath, type Pattern } from '../model/pattern.ts';
import { invalid } from '../model/problem.ts';
import { didYouMean } from '../util/suggest.ts';
import type { Period } from '../model/period.ts';
import { isWithin } from '../model/repo-path.ts';
import { dataScope } from './checkout-scope.ts';
import type { AppContext } from './ports.ts';
import type { Dataset, Project } from './project.ts';
import { timeWindow, type Window } from './time-window.ts';

/** A window, and which time of a file it is about where a path has several; the first without. */
export interface TimedWindow extends Window {
  readonly by?: string | undefined;
}

/** What `push`, `fetch` and `pull` are asked for. */
export interface TransferRequest extends TimedWindow {
  readonly targets: readonly string[];
  /** Also results that no row of the lock has: all that are here (push), or all that the stores have for the stages' code, with their files. */
  readonly runCache: boolean;
  readonly dryRun: boolean;
}

/** What a command that moves data is about. */
export interface TransferScope {
  readonly datasets: ReadonlySet<Dataset>;
  /** Whether a file, by its repository path, is meant; undefined: the whole dataset. */
  readonly filesOf: (dataset: Dataset) => PathTest | undefined;
  /** See `DataScope.inside`. */
  readonly insideOf: (dataset: Dataset) => readonly string[] | undefined;
  /** Whether a datum's row is meant. */
  readonly rowsOf: (node: StageNode) => (captures: Captures) => boolean;
  /** Neither targets nor a window narrow it. */
  readonly isAll: boolean;
}

type PathTest = (path: string) => boolean;

/** Reads targets and a window. Throws `no-target` (exit 4), `empty-window`, `no-capture` (exit 2). */
export function transferScope(
  ctx: AppContext,
  project: Project,
  request: TimedWindow & { readonly targets: readonly string[] },
): TransferScope {
  const { datasets, within, inside } = dataScope(ctx, project, request.targets);
  const period = timeWindow(ctx, project.pipeline.zone, request);
  const { by } = request;
  if (by !== undefined) checkCapture(project, by);
  const window = period === undefined ? undefined : { ...period, by };
  const filters = new Map<Dataset, PathTest | undefined>();
  const filterOf = (dataset: Dataset): PathTest | undefined => {
    const inTime = window === undefined ? undefined : fileFilter(project, dataset, window);
    const isNamed = within?.(dataset, dataset.home) === false ? within : undefined;
    if (isNamed === undefined) return inTime;
    return (path) => isNamed(dataset, path) && (inTime?.(path) ?? true);
  };
  return {
    datasets,
    insideOf: inside,
    filesOf: (dataset) => {
      if (!filters.has(dataset)) filters.set(dataset, filterOf(dataset));
      return filters.get(dataset);
    },
    rowsOf: (node) => (window === undefined ? () => true : rowFilter(node, window)),
    isAll: request.targets.length === 0 && window === undefined,
  };
}

type Span = Period & { readonly by: string | undefined };

function checkCapture({ graph }: Project, by: string): void {
  const patterns = graph.order.flatMap(({ stage }) =>
    [...stage.deps, ...stage.outs].map(({ pattern }) => pattern),
  );
  const names = [...new Set(patterns.flatMap(({ times }) => [...times.keys()]))];
  if (names.includes(by)) return;
  throw invalid(
    'no-capture',
    `no dep or out has a time capture ${by}`,
    didYouMean(by, names) ??
      (names.length === 0 ? 'No path here has a time.' : `There are: ${names.join(', ')}`),
  );
}

function timeOf(names: readonly string[], by: string | undefined): string | undefined {
  return names.find((name) => name === by) ?? names[0];
}

function rowFilter({ stage }: StageNode, window: Span): (captures: Captures) => boolean {
  const name = timeOf(datumTimes(stage), window.by);
  return (captures) => {
    const label = name === undefined ? undefined : captures.get(name);
    return label === undefined || meets(window, label);
  };
}

/** The period of a file is what the out that makes it says, of added data the deps that see it; a file without one is in. */
function fileFilter(project: Project, dataset: Dataset, window: Span): PathTest | undefined {
  const patterns = dataset.stage === undefined ? depPatterns(project, dataset) : outPatterns(dataset.stage);
  const timed = patterns.filter((pattern) => pattern.times.size > 0);
  if (timed.length === 0) return undefined;
  return (path) => {
    for (const pattern of timed) {
      const captures = matchPath(pattern, path);
      const name = timeOf([...pattern.times.keys()], window.by);
      const label = name === undefined ? undefined : captures?.get(name);
      if (label !== undefined) return meets(window, label);
    }
    return true;
  };
}

function outPatterns({ stage }: StageNode): readonly Pattern[] {
  return stage.outs.map(({ pattern }) => pattern);
}

function depPatterns(project: Project, { home }: Dataset): readonly Pattern[] {
  const all = project.graph.order.flatMap(({ stage }) => stage.deps.map(({ pattern }) => pattern));
  return all.filter((pattern) => isWithin(pattern.home, home) || isWithin(home, pattern.home));
}

function meets(window: Period, label: string): boolean {
  const period = labelPeriod(label);
  return period.start < window.end && period.end > window.start;
}
