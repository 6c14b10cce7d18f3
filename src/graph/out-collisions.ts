import { fixedMoment } from '../model/moment.ts';
import { matchPath, type Pattern } from '../model/pattern.ts';
import { parseLabel } from '../model/period.ts';
import { Problem } from '../model/problem.ts';
import type { MatrixItem, Out, Stage } from '../model/stage.ts';

/** An out and its stage. */
export interface OutOf {
  readonly stage: Stage;
  readonly out: Out;
}

/** Two outs that write one path, the later one first. */
export interface Collision extends OutOf {
  readonly other: OutOf;
}

/**
 * Pairs of outs that write one path for certain: patterns equal but for the names of their captures, an out inside
 * another's directory or below another's file, and a literal out that another's matrix names. Pairs that their matrices
 * keep apart are none. One look-up per folder of each out.
 */
export function findCollisions(stages: readonly Stage[]): Collision[] {
  const outs = stages.flatMap((stage) => stage.outs.map((out) => ({ stage, out })));
  const order = new Map(outs.map((each, index) => [each, index]));
  const byShape = new Map<string, OutOf[]>();
  for (const each of outs) {
    const key = shapeKey(each.out.pattern);
    const equal = byShape.get(key);
    if (equal === undefined) byShape.set(key, [each]);
    else equal.push(each);
  }
  const collisions: Collision[] = [];
  const report = (a: OutOf, b: OutOf): void => {
    if (areApart(a, b)) return;
    const [first, second] = (order.get(a) ?? 0) < (order.get(b) ?? 0) ? [a, b] : [b, a];
    collisions.push({ ...second, other: first });
  };
  for (const each of outs) {
    const key = shapeKey(each.out.pattern);
    for (const other of byShape.get(key) ?? []) {
      if (other === each) break;
      report(each, other);
    }
    for (let slash = key.indexOf('/'); slash > 0; slash = key.indexOf('/', slash + 1)) {
      for (const above of byShape.get(key.slice(0, slash)) ?? []) report(each, above);
    }
  }
  for (const literal of outs.filter(({ out }) => out.pattern.captures.length === 0)) {
    for (const other of outs) if (isListed(literal.out.pattern, other)) report(literal, other);
  }
  return collisions;
}

/** The pattern with numbers for the names of its captures: equal for patterns that match the same paths alike. */
function shapeKey({ tokens, captures }: Pattern): string {
  let key = '';
  for (const token of tokens) {
    if (token.kind === 'text') key += token.text;
    else if (token.kind === 'value') key += `\0${captures.indexOf(token.name)}:${token.width ?? ''}\0`;
    else if (token.kind === 'part') key += `\0${captures.indexOf(token.name)}%${token.code}\0`;
    else key += `\0${token.kind}\0`;
  }
  return key.endsWith('/') ? key.slice(0, -1) : key;
}

/** Two stages whose matrices list no common value for one of the captures that both patterns begin with. */
function areApart(a: OutOf, b: OutOf): boolean {
  if (a.stage === b.stage) return false;
  return a.out.pattern.captures.some((name, index) => {
    const mine = a.stage.matrix.get(name);
    const theirs = b.stage.matrix.get(b.out.pattern.captures[index] ?? '');
    return mine !== undefined && theirs !== undefined && areDisjoint(mine, theirs);
  });
}

function areDisjoint(a: MatrixItem, b: MatrixItem): boolean {
  if (a.kind === 'list' && b.kind === 'list') return !a.values.some((value) => b.values.includes(value));
  if (a.kind === 'range' && b.kind === 'range')
    return endsBefore(a.until, b.since) || endsBefore(b.until, a.since);
  const [list, range] = a.kind === 'list' ? [a, b] : [b, a];
  if (list.kind !== 'list' || range.kind !== 'range') return false;
  return list.values.every((value) => {
    const period = parseLabel(value);
    return (
      period !== undefined &&
      (endsBefore(range.until, value) || period.end <= (fixedMoment(range.since) ?? -Infinity))
    );
  });
}

function endsBefore(until: string, since: string): boolean {
  const end = fixedMoment(until);
  const start = fixedMoment(since);
  return end !== undefined && start !== undefined && end <= start;
}

/** A stage that makes all of its matrix, whatever is there, makes this very path. */
function isListed(literal: Pattern, { stage, out }: OutOf): boolean {
  if (out.pattern.captures.length === 0 || stage.deps.some((dep) => !dep.optional)) return false;
  const values = valuesOf(out.pattern, literal.source);
  if (values === undefined) return false;
  return [...values].every(([name, value]) => {
    const item = stage.matrix.get(name);
    if (item === undefined) return false;
    if (item.kind === 'list') return item.values.includes(value);
    const period = parseLabel(value);
    const [since, until] = [fixedMoment(item.since), fixedMoment(item.until)];
    if (period === undefined || since === undefined || until === undefined || item.every.count !== 1)
      return false;
    return since <= period.start && period.end <= until;
  });
}

function valuesOf(pattern: Pattern, path: string): ReadonlyMap<string, string> | undefined {
  try {
    return matchPath(pattern, path);
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}
