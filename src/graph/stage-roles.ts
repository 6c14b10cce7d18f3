import { coarserOf, isFiner, type Grain } from '../model/period.ts';
import { compareBytes } from '../model/repo-path.ts';
import type { Dep, Stage } from '../model/stage.ts';

/** A capture with its grain; no grain: plain text. */
export interface Column {
  readonly name: string;
  readonly grain: Grain | undefined;
}

/** What a dep does for the datums. `join` binds by its captures, `window` only adds, `broadcast` is the same for all. */
export interface DepRole {
  readonly dep: Dep;
  readonly index: number;
  readonly kind: 'broadcast' | 'window' | 'join';
  /** The captures it shares with the datum, each at the coarser of both grains. */
  readonly shared: readonly Column[];
  /** For a window: the time capture that it moves. */
  readonly moved: string | undefined;
  /** It joins, and no time of it is coarser than the datum's: its files bring datums into being (unless optional). */
  readonly binding: boolean;
}

/** How a stage's outs, deps and matrix hang together (concepts 1.2). */
export interface StageRoles {
  /** The captures of the outs, sorted by name. */
  readonly datum: readonly Column[];
  readonly deps: readonly DepRole[];
  /** All binding deps are optional: any one of them brings a datum into being. */
  readonly anySuffices: boolean;
}

/** Reads the roles off a stage. A stage with faults (`checkStage`) gets roles too, of no use. */
export function rolesOf(stage: Stage): StageRoles {
  const datum = datumColumns(stage);
  const deps = stage.deps.map((dep, index) => roleOf(dep, index, datum));
  const binding = deps.filter((role) => role.binding);
  return { datum, deps, anySuffices: binding.length > 0 && binding.every(({ dep }) => dep.optional) };
}

/** Grain of a capture wherever the stage makes it a time: its outs first, then its deps; undefined: plain or unknown. */
export function timeGrain(stage: Stage, name: string): Grain | undefined {
  for (const { pattern } of [...stage.outs, ...stage.deps]) {
    const grain = pattern.times.get(name);
    if (grain !== undefined) return grain;
  }
  return undefined;
}

/** The role's dep brings values of this capture to the datums. */
export function brings(roles: StageRoles, role: DepRole, name: string): boolean {
  const fits = roles.anySuffices ? role.binding : role.kind === 'join' && !role.dep.optional;
  if (!fits || !role.dep.pattern.captures.includes(name)) return false;
  const grain = role.dep.pattern.times.get(name);
  const wanted = roles.datum.find((column) => column.name === name)?.grain;
  return grain === undefined || wanted === undefined || !isFiner(wanted, grain);
}

function datumColumns(stage: Stage): Column[] {
  const columns = new Map<string, Column>();
  for (const { pattern } of stage.outs) {
    for (const name of pattern.captures) columns.set(name, { name, grain: pattern.times.get(name) });
  }
  return [...columns.values()].sort((a, b) => compareBytes(a.name, b.name));
}

function roleOf(dep: Dep, index: number, datum: readonly Column[]): DepRole {
  const { captures, times } = dep.pattern;
  const shared: Column[] = [];
  let binding = true;
  for (const { name, grain } of datum) {
    if (!captures.includes(name)) continue;
    const own = times.get(name);
    shared.push({ name, grain: own === undefined || grain === undefined ? grain : coarserOf(own, grain) });
    if (own !== undefined && grain !== undefined && isFiner(grain, own)) binding = false;
  }
  const moved = dep.window === undefined ? undefined : shared.find(({ grain }) => grain !== undefined)?.name;
  const kind = moved !== undefined ? 'window' : captures.length === 0 ? 'broadcast' : 'join';
  return { dep, index, kind, shared, moved, binding: binding && kind === 'join' && shared.length > 0 };
}
