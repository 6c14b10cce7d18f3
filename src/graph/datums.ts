import { type Clock } from '../model/moment.ts';
import { matchPath, renderPath, type Pattern } from '../model/pattern.ts';
import { parseLabel, type Period } from '../model/period.ts';
import { invalid } from '../model/problem.ts';
import { compareBytes, pathFault } from '../model/repo-path.ts';
import type { Out, Stage } from '../model/stage.ts';
import { nameRows, type NamedRow } from './datum-name.ts';
import { candidateRows } from './datum-rows.ts';
import { readFiles, type DepFiles } from './dep-files.ts';
import { UsageLedger, type DepUsage } from './dep-usage.ts';
import { resolveMatrix, type MatrixSet } from './matrix.ts';
import { rolesOf } from './stage-roles.ts';
import { broadcastSupply, joinSupply, type Share, type Supply, type SupplyContext } from './supply.ts';
import { windowSupply } from './window-supply.ts';

export type { Clock, DepUsage };

/** The smallest piece of a stage's work, with the files it gets. */
export interface DatumSpec {
  /** Canonical name (`capturesText`). */
  readonly id: string;
  /** Sorted by name. */
  readonly captures: ReadonlyMap<string, string>;
  /** Per dep as in `stage.deps`: indexes into its candidates, ascending; undefined for a broadcast dep. */
  readonly files: readonly (readonly number[] | undefined)[];
}

/** A datum that the matrix names and that lacks something it requires. */
export interface WaitingDatum {
  readonly id: string;
  readonly captures: ReadonlyMap<string, string>;
  /** Up to 20 paths for people, `*` for what is open, and then how many more. */
  readonly missing: readonly string[];
  readonly missingDeps: readonly string[];
}

/** A required dep without a single file that its pattern matches and the matrix lets in. */
export interface AbsentDep {
  readonly dep: string;
  readonly pattern: string;
}

/** Everything a stage is to make, from what is there now. */
export interface DatumSet {
  /** Sorted by id, by bytes. */
  readonly datums: readonly DatumSpec[];
  readonly waiting: readonly WaitingDatum[];
  /** By name of the dep. */
  readonly usage: ReadonlyMap<string, DepUsage>;
  /** Dep index to its matching candidates, for deps that every datum sees alike (no captures, no window). */
  readonly broadcast: ReadonlyMap<number, readonly number[]>;
  readonly absent: readonly AbsentDep[];
}

const SHOWN = 20;

/**
 * The datums of a stage (concepts 1.2). `candidates[i]` are the paths that dep i's datasets hold below its pattern's
 * home, sorted by bytes, matching or not. Throws Problems (exit 2): `ambiguous-path`, `unreadable-out`, `bad-matrix`.
 * About 2 µs a candidate and as much a datum.
 */
export function deriveDatums(
  stage: Stage,
  candidates: readonly (readonly string[])[],
  clock: Clock,
): DatumSet {
  const roles = rolesOf(stage);
  const matrix = resolveMatrix(stage, clock);
  const files = roles.deps.map((role) => readFiles(role, candidates[role.index] ?? [], matrix));
  const context = { roles, matrix };
  const { rows, named } = candidateRows(files, context);
  const sorted = nameRows(rows, roles.datum).sort((a, b) => compareBytes(a.id, b.id));
  const sieve = new Sieve(files, candidates, context);
  for (const row of sorted) sieve.take(row, named);
  refuseUnreadable(stage.outs, sieve.datums);
  return {
    datums: sieve.datums,
    waiting: sieve.waiting,
    usage: sieve.usage(candidates, matrix),
    broadcast: new Map(files.filter(isBroadcast).map(({ role, indexes }) => [role.index, indexes])),
    absent: files
      .filter(({ role, rows: found }) => !role.dep.optional && found.length === 0)
      .map(({ role }) => ({ dep: role.dep.name, pattern: role.dep.pattern.source })),
  };
}

/** The time captures of a stage's outs, sorted by name. */
export function datumTimes(stage: Stage): readonly string[] {
  return rolesOf(stage).datum.flatMap(({ name, grain }) => (grain === undefined ? [] : [name]));
}

/** The period that a label names: `[start, end)` in zoneless epoch milliseconds. Throws a Problem (exit 2) for no label. */
export function labelPeriod(label: string): Period {
  const period = parseLabel(label);
  if (period === undefined)
    throw invalid('bad-time', `${JSON.stringify(label)} is no period`, 'Write it like 2024-05-01.');
  return { start: period.start, end: period.end };
}

/** Sorts candidate rows into datums that can run, datums that wait, and those that don't exist. */
class Sieve {
  readonly datums: DatumSpec[] = [];
  readonly waiting: WaitingDatum[] = [];
  readonly #files: readonly DepFiles[];
  readonly #supplies: readonly Supply[];
  readonly #ledgers: readonly UsageLedger[];

  constructor(
    files: readonly DepFiles[],
    candidates: readonly (readonly string[])[],
    context: SupplyContext,
  ) {
    this.#files = files;
    this.#supplies = files.map((each) => supplyOf(each, context));
    this.#ledgers = files.map((each, index) => new UsageLedger(each, candidates[index]?.length ?? 0));
  }

  take({ id, captures, row }: NamedRow, named: boolean): void {
    const shares = this.#supplies.map((supply) => supply.share(row));
    const lacking = this.#files.filter(
      ({ role }, at) => !role.dep.optional && shares[at]?.complete === false,
    );
    const missingDeps = lacking.map(({ role }) => role.dep.name);
    if (missingDeps.length > 0 && !named) return;
    this.#note(shares, missingDeps);
    if (missingDeps.length === 0) {
      const files = shares.map((share, at) =>
        isBroadcast(this.#files[at] as DepFiles) ? undefined : share.files,
      );
      this.datums.push({ id, captures, files });
      return;
    }
    const missing = lacking.flatMap(({ role }) => this.#supplies[role.index]?.missing(row) ?? []);
    const more = missing.length > SHOWN ? [`${missing.length - SHOWN} more`] : [];
    this.waiting.push({ id, captures, missing: [...missing.slice(0, SHOWN), ...more], missingDeps });
  }

  usage(
    candidates: readonly (readonly string[])[],
    matrix: ReadonlyMap<string, MatrixSet>,
  ): Map<string, DepUsage> {
    return new Map(
      this.#files.map(({ role }, at) => [
        role.dep.name,
        (this.#ledgers[at] as UsageLedger).close(this.#files, candidates[at] ?? [], matrix),
      ]),
    );
  }

  #note(shares: readonly Share[], missingDeps: readonly string[]): void {
    shares.forEach((share, at) => {
      const own = this.#files[at]?.role.dep.name;
      this.#ledgers[at]?.note(
        share,
        missingDeps.length === 0 ? [] : missingDeps.filter((name) => name !== own),
      );
    });
  }
}

function supplyOf(files: DepFiles, context: SupplyContext): Supply {
  switch (files.role.kind) {
    case 'broadcast':
      return broadcastSupply(files);
    case 'window':
      return windowSupply(files, context);
    case 'join':
      return joinSupply(files, context);
  }
}

function isBroadcast({ role }: DepFiles): boolean {
  return role.kind === 'broadcast';
}

/** An out must read back to the datum that wrote it; where its form alone proves that, no path is made. */
function refuseUnreadable(outs: readonly Out[], datums: readonly DatumSpec[]): void {
  for (const { name, pattern } of outs) {
    if (pattern.matcher.single && pattern.captures.every((capture) => pattern.times.has(capture))) continue;
    for (const { id, captures } of datums) refuseUnlessReadBack(name, pattern, { id, captures });
  }
}

function refuseUnlessReadBack(
  out: string,
  pattern: Pattern,
  { id, captures }: Omit<DatumSpec, 'files'>,
): void {
  const path = renderPath(pattern, captures);
  const fault = pathFault(path);
  const back =
    fault === undefined ? matchPath(pattern, pattern.shape === 'directory' ? `${path}/x` : path) : undefined;
  if (back !== undefined && [...back].every(([name, value]) => captures.get(name) === value)) return;
  throw invalid(
    'unreadable-out',
    `out ${out} (${pattern.source}) can't hold ${id}: ${JSON.stringify(path)} ${fault ?? "doesn't read back to it"}`,
    'Write the value so that the path shows it alone: another text around it, another width, or a folder of its own.',
  );
}
