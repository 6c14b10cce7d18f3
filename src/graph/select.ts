import { matchPath, type Pattern } from '../model/pattern.ts';
import { notFound } from '../model/problem.ts';
import { isWithin } from '../model/repo-path.ts';
import type { StageId } from '../model/stage.ts';
import { didYouMean } from '../util/suggest.ts';
import { closure, type Graph, type StageNode } from './graph.ts';

/** What the targets of a command mean. */
export interface Selection {
  /** Stages named, or whose outs a path lies in, with what a `+` added. */
  readonly stages: ReadonlySet<StageNode>;
  /** Named by a `+` in front: stages that these need. */
  readonly upstream: ReadonlySet<StageNode>;
  /** Named by a `+` behind: stages that follow. */
  readonly downstream: ReadonlySet<StageNode>;
  /** Repository paths that were named as paths. */
  readonly paths: readonly string[];
}

export interface TargetScope {
  readonly graph: Graph;
  /** Homes of data added by hand. */
  readonly datasets: readonly string[];
  /** A path as typed -> a repository path; throws where it leaves the repository. */
  readonly toPath: (typed: string) => string;
}

/**
 * Reads targets: a stage's name goes first, then a glob over names, then a path; `+x` adds everything upstream, `x+`
 * downstream. Nothing named means everything. Throws `no-target` (exit 4) with the nearest name.
 */
export function selectTargets(targets: readonly string[], scope: TargetScope): Selection {
  const selection = {
    stages: new Set<StageNode>(),
    upstream: new Set<StageNode>(),
    downstream: new Set<StageNode>(),
    paths: [] as string[],
  };
  if (targets.length === 0) for (const node of scope.graph.order) selection.stages.add(node);
  for (const target of targets) {
    const { nodes, path, before, after } = readTarget(target, scope);
    for (const node of nodes) selection.stages.add(node);
    if (path !== undefined) selection.paths.push(path);
    if (before) for (const node of closure(nodes, 'upstream')) selection.upstream.add(node);
    if (after) for (const node of closure(nodes, 'downstream')) selection.downstream.add(node);
  }
  return selection;
}

interface Target {
  readonly nodes: readonly StageNode[];
  readonly path?: string;
  readonly before: boolean;
  readonly after: boolean;
}

function readTarget(text: string, scope: TargetScope): Target {
  const before = text.startsWith('+') && text.length > 1;
  const after = text.endsWith('+') && text.length > 1;
  const name = text.slice(before ? 1 : 0, after ? -1 : undefined);
  const named = stagesNamed(name, scope.graph);
  if (named.length > 0) return { nodes: named, before, after };
  const path = scope.toPath(name);
  const nodes = scope.graph.order.filter((node) => node.stage.outs.some((out) => touches(out.pattern, path)));
  if (nodes.length > 0 || scope.datasets.some((home) => isWithin(path, home) || isWithin(home, path))) {
    return { nodes, path, before, after };
  }
  const known = [...scope.graph.byId.keys(), ...scope.datasets];
  throw notFound(
    'no-target',
    `there is no stage or dataset "${name}"`,
    didYouMean(name, known) ??
      (known.length === 0
        ? 'The repository has no stages yet: datawf stage add'
        : `There are: ${known.slice(0, 12).join(', ')}`),
  );
}

function stagesNamed(name: string, graph: Graph): readonly StageNode[] {
  const exact = graph.byId.get(name as StageId);
  if (exact !== undefined) return [exact];
  if (!/[*?[]/.test(name) || name.startsWith('./') || name.startsWith('/')) return [];
  const glob = new RegExp(
    `^${name
      .replace(/[.\\+^${}()|]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.')}$`,
  );
  return graph.order.filter((node) => glob.test(node.stage.id));
}

/** Whether a path is, lies below, or holds files of an out. */
function touches(pattern: Pattern, path: string): boolean {
  if (path === '' || isWithin(pattern.home, path)) return true;
  if (!isWithin(path, pattern.home)) return false;
  return (
    matchPath(pattern, path) !== undefined || pattern.source === `${path}/` || prefixMatches(pattern, path)
  );
}

/** A folder between the home and the files: compared segment by segment as far as it goes. */
function prefixMatches(pattern: Pattern, path: string): boolean {
  const segments = pattern.source.split('/').length;
  return path.split('/').length < segments;
}
