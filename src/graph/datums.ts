import { type Clock } from '../model/moment.ts';
import { parseLabel, type Period } from '../model/period.ts';
import { invalid } from '../model/problem.ts';
import { compareBytes } from '../model/repo-path.ts';
import type { Stage } from '../model/stage.ts';
import { nameRows, type NamedRow } from './datum-name.ts';
import { candidateRows } from './datum-rows.ts';
import { readFiles, type DepFiles } from './dep-files.ts';
import { openLedger, type DepUsage, type UsageLedger } from './dep-usage.ts';
import { resolveMatrix } from './matrix.ts';
import { refuseUnreadable } from './read-back.ts';
import { rolesOf, type DepRole } from './stage-roles.ts';
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
  const { rows, named } = candidateRows(files, { roles, matrix });
  const sorted = nameRows(rows, roles.datum).sort((a, b) => compareBytes(a.id, b.id));
  const ledgers = files.map((each) => openLedger(each, candidates[each.role.index] ?? []));
  const seats = files.map((each, at) => ({
    role: each.role,
    supply: supplyOf(each, { roles, matrix }),
    ledger: ledgers[at] as UsageLedger,
  }));
  const { datums, waiting } = seatAll(sorted, seats, named);
  refuseUnreadable(stage.outs, datums);
  return {
    datums,
    waiting,
    usage: new Map(seats.map(({ role, ledger }) => [role.dep.name, ledger.close(files, matrix)])),
    broadcast: new Map(
      files.filter(({ role }) => role.kind === 'broadcast').map(({ role, indexes }) => [role.index, indexes]),
    ),
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

/** A dep with what it has for datums and the ledger of its files. */
interface Seat {
  readonly role: DepRole;
  readonly supply: Supply;
  readonly ledger: UsageLedger;
}

/** Sorts candidate rows into datums that can run, datums that wait, and those that don't exist. */
function seatAll(
  rows: readonly NamedRow[],
  seats: readonly Seat[],
  named: boolean,
): Pick<DatumSet, 'datums' | 'waiting'> {
  const datums: DatumSpec[] = [];
  const waiting: WaitingDatum[] = [];
  for (const each of rows) {
    const shares = seats.map(({ supply }) => supply.share(each.row));
    const ready = seats.every(({ role }, at) => role.dep.optional || shares[at]?.complete === true);
    if (ready) {
      seats.forEach(({ ledger }, at) => ledger.note(shares[at] as Share, []));
      const files = seats.map(({ role }, at) => (role.kind === 'broadcast' ? undefined : shares[at]?.files));
      datums.push({ id: each.id, captures: each.captures, files });
    } else if (named) waiting.push(seatWaiting(each, seats, shares));
  }
  return { datums, waiting };
}

function seatWaiting(
  { id, captures, row }: NamedRow,
  seats: readonly Seat[],
  shares: readonly Share[],
): WaitingDatum {
  const lacking = seats.filter(({ role }, at) => !role.dep.optional && shares[at]?.complete !== true);
  const missingDeps = lacking.map(({ role }) => role.dep.name);
  seats.forEach(({ role, ledger }, at) => {
    ledger.note(
      shares[at] as Share,
      missingDeps.filter((name) => name !== role.dep.name),
    );
  });
  const missing = lacking.flatMap(({ supply }) => supply.missing(row));
  const more = missing.length > SHOWN ? [`${missing.length - SHOWN} more`] : [];
  return { id, captures, missing: [...missing.slice(0, SHOWN), ...more], missingDeps };
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
