import type { DagReport } from '../model/report.ts';
import { stateText } from './status-screen.ts';
import type { Style } from './style.ts';

/** The graph as a tree from its sources down; what was shown before is named again without what is below it. */
export function dagText(report: DagReport, style: Style): string {
  if (report.nodes.length === 0) return 'no stages yet\n';
  const below = neighbours(report);
  const fed = new Set(report.edges.map((edge) => edge.to));
  const shown = new Set<string>();
  const lines: string[] = [];
  const nodes = new Map(report.nodes.map((node) => [node.id, node]));

  const show = (id: string, lead: string, branch: string): void => {
    const node = nodes.get(id);
    const label = node?.kind === 'stage' ? `[${style.bold(id)}]` : id;
    const state = node?.state === undefined ? '' : `  ${stateText(node.state, style)}`;
    const children = below.get(id) ?? [];
    const again = shown.has(id) && children.length > 0;
    lines.push(`${lead}${branch}${label}${state}${again ? style.dim('  (see above)') : ''}`);
    if (again) return;
    shown.add(id);
    const deeper = lead + ({ '': '', '├─ ': '│  ', '└─ ': '   ' }[branch] ?? '');
    for (const [index, child] of children.entries())
      show(child, deeper, index === children.length - 1 ? '└─ ' : '├─ ');
  };
  for (const node of report.nodes) if (!fed.has(node.id)) show(node.id, '', '');
  return `${lines.join('\n')}\n`;
}

/** The graph as Mermaid, which many hosts draw in Markdown. */
export function dagMermaid(report: DagReport): string {
  const ids = new Map(report.nodes.map((node, index) => [node.id, `n${index}`]));
  const quote = (text: string): string => `"${text.replaceAll('"', '#quot;')}"`;
  const nodes = report.nodes.map((node) => {
    const [open, close] = node.kind === 'stage' ? ['[', ']'] : ['([', '])'];
    return `  ${ids.get(node.id) ?? ''}${open}${quote(node.id)}${close}`;
  });
  const edges = report.edges.map((edge) => `  ${ids.get(edge.from) ?? ''} --> ${ids.get(edge.to) ?? ''}`);
  return `${['flowchart TD', ...nodes, ...edges].join('\n')}\n`;
}

/** The graph in Graphviz' language. */
export function dagDot(report: DagReport): string {
  const quote = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  const nodes = report.nodes.map(
    (node) => `  ${quote(node.id)} [shape=${node.kind === 'stage' ? 'box' : 'ellipse'}];`,
  );
  const edges = report.edges.map((edge) => `  ${quote(edge.from)} -> ${quote(edge.to)};`);
  return `${['digraph datawf {', ...nodes, ...edges, '}'].join('\n')}\n`;
}

function neighbours(report: DagReport): ReadonlyMap<string, readonly string[]> {
  const below = new Map<string, string[]>();
  for (const edge of report.edges) below.set(edge.from, [...(below.get(edge.from) ?? []), edge.to]);
  return below;
}
