import { pushTo } from '../util/multimap.ts';
import { canMeet } from '../model/pattern.ts';
import { invalid, type Place } from '../model/problem.ts';
import { compareBytes, firstFrom, isWithin, parentOf } from '../model/repo-path.ts';
import type { Dep, Out, Stage, StageId } from '../model/stage.ts';

/** An out of another stage whose files a dep can see. */
export interface Producer {
  readonly node: StageNode;
  readonly out: Out;
}

/** A stage with its neighbours. */
export interface StageNode {
  readonly stage: Stage;
  /** Per dep (as in `stage.deps`) who may write files that it matches. */
  readonly producers: readonly (readonly Producer[])[];
  readonly upstream: ReadonlySet<StageNode>;
  readonly downstream: ReadonlySet<StageNode>;
  /** Longest way from a stage without upstream: producers have lower ones. */
  readonly depth: number;
}

export interface Graph {
  /** Producers before consumers, else in the order of the files. */
  readonly order: readonly StageNode[];
  readonly byId: ReadonlyMap<StageId, StageNode>;
}

interface Draft {
  stage: Stage;
  producers: Producer[][];
  upstream: Set<StageNode>;
  downstream: Set<StageNode>;
  depth: number;
}

/**
 * Joins stages by the files that deps and outs can share; `placeOf` tells where a stage stands. Throws `cycle` (exit 2) naming
 * the stages around.
 */
export function buildGraph(stages: readonly Stage[], placeOf: PlaceOf = lineOf): Graph {
  const drafts: Draft[] = stages.map((stage) => ({
    stage,
    producers: [],
    upstream: new Set(),
    downstream: new Set(),
    depth: 0,
  }));
  const meeting = outsByHome(drafts);
  for (const draft of drafts) {
    draft.producers = draft.stage.deps.map((dep) => meeting(dep));
    for (const { node } of draft.producers.flat()) {
      draft.upstream.add(node);
      (node.downstream as Set<StageNode>).add(draft);
    }
  }
  const order = sortByNeed(drafts, placeOf);
  return { order, byId: new Map(drafts.map((draft) => [draft.stage.id, draft])) };
}

/** Answers, for a dep, the outs that it can meet; looks only at outs whose home lies on the way to the dep's or below it. */
function outsByHome(drafts: readonly Draft[]): (dep: Dep) => Producer[] {
  const outs = drafts.flatMap((node) => node.stage.outs.map((out) => ({ node, out })));
  outs.sort((a, b) => compareBytes(a.out.pattern.home, b.out.pattern.home));
  const byHome = new Map<string, Producer[]>();
  for (const producer of outs) {
    const { home } = producer.out.pattern;
    pushTo(byHome, home, producer);
  }
  const homes = [...byHome.keys()];
  return (dep) => {
    const { home } = dep.pattern;
    const near: Producer[] = [];
    for (let folder = parentOf(home); folder !== ''; folder = parentOf(folder))
      near.push(...(byHome.get(folder) ?? []));
    for (let index = firstFrom(homes, String, home); index < homes.length; index++) {
      const other = homes[index] as string;
      if (!other.startsWith(home)) break;
      if (isWithin(other, home)) near.push(...(byHome.get(other) ?? []));
    }
    return near.filter(({ out }) => canMeet(dep.pattern, out.pattern));
  };
}

type PlaceOf = (stage: Stage) => Place;

function lineOf({ file, line }: Stage): Place {
  return { file, line };
}

function sortByNeed(drafts: readonly Draft[], placeOf: PlaceOf): Draft[] {
  const order: Draft[] = [];
  const state = new Map<StageNode, 'open' | 'done'>();
  const visit = (draft: Draft, way: readonly Draft[]): void => {
    const seen = state.get(draft);
    if (seen === 'done') return;
    if (seen === 'open') throw cycleProblem(way.slice(way.indexOf(draft)), placeOf);
    state.set(draft, 'open');
    for (const upstream of draft.upstream) {
      visit(upstream as Draft, [...way, draft]);
      draft.depth = Math.max(draft.depth, upstream.depth + 1);
    }
    state.set(draft, 'done');
    order.push(draft);
  };
  for (const draft of drafts) visit(draft, []);
  return order;
}

function cycleProblem(around: readonly Draft[], placeOf: PlaceOf) {
  const names = around.map((draft) => draft.stage.id);
  const [first] = around;
  const text =
    names.length === 1
      ? `stage ${names[0]} reads what it writes`
      : `the stages ${[...names].reverse().join(' -> ')} -> ${names.at(-1)} go round in a circle`;
  const problem = invalid(
    'cycle',
    text,
    'A datum may not see its own or a later result: write to another folder, or loop inside one command.',
  );
  return first === undefined ? problem : problem.at(placeOf(first.stage));
}

/** Everything that the given nodes need or that needs them, themselves included. */
export function closure(nodes: Iterable<StageNode>, direction: 'upstream' | 'downstream'): Set<StageNode> {
  const seen = new Set<StageNode>();
  const open = [...nodes];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    open.push(...node[direction]);
  }
  return seen;
}
