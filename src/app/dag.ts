import { isWithin } from '../model/repo-path.ts';
import type { DagReport } from '../model/report.ts';
import { scopeOf, selectStages } from './assess.ts';
import type { AppContext } from './ports.ts';

/** Stages and the data between them: an edge from a dataset to each stage that reads it, and from a stage to what it writes. */
export async function dag(
  ctx: AppContext,
  request: { readonly targets: readonly string[] },
): Promise<DagReport> {
  const { project, selection } = selectStages(ctx, request.targets);
  const scope =
    request.targets.length === 0
      ? new Set(project.graph.order)
      : scopeOf({ selection, single: false, downstream: false });
  const nodes = new Map<string, DagReport['nodes'][number]>();
  const edges = new Map<string, DagReport['edges'][number]>();
  const data = (path: string): string => {
    const id = path;
    if (!nodes.has(id)) nodes.set(id, { id, kind: 'dataset' });
    return id;
  };
  const join = (from: string, to: string): void => {
    edges.set(`${from}\n${to}`, { from, to });
  };
  for (const node of project.graph.order) {
    if (!scope.has(node)) continue;
    const { stage } = node;
    nodes.set(stage.id, { id: stage.id, kind: 'stage' });
    stage.deps.forEach((dep, index) => {
      const producers = (node.producers[index] ?? []).filter((producer) => scope.has(producer.node));
      for (const { out } of producers) join(data(out.pattern.home), stage.id);
      const added = project.pointers.filter(
        ({ path }) => isWithin(path, dep.pattern.home) || isWithin(dep.pattern.home, path),
      );
      for (const pointer of added) join(data(pointer.path), stage.id);
      if (producers.length + added.length === 0) join(data(dep.pattern.home), stage.id);
    });
    for (const out of stage.outs) join(stage.id, data(out.pattern.home));
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}
