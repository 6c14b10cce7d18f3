import type { CaptureValue } from '../model/pattern-match.ts';
import { isFiner } from '../model/period.ts';
import { factsOf, type DepFiles } from './dep-files.ts';
import { valuesAt, type MatrixSet } from './matrix.ts';
import { joinAll, keyParts, project, type Relation, type Row } from './relation.ts';
import type { Column } from './stage-roles.ts';
import { combinations, requirementsOf, type SupplyContext } from './supply.ts';

/** The datums that matrix and deps speak of, before any is held against what it requires. */
export interface CandidateRows {
  /** Values in the order of `StageRoles.datum`, each combination once. */
  readonly rows: readonly Row[];
  /** The matrix names them: what they lack makes them wait instead of vanish. */
  readonly named: boolean;
}

/**
 * Joins what deps bring with what the matrix lists. Captures that the matrix lists take their values from it alone; the
 * others take them from the natural join of the required deps (or of any binding dep, where all are optional).
 */
export function candidateRows(files: readonly DepFiles[], context: SupplyContext): CandidateRows {
  const { roles, matrix } = context;
  const listed = roles.datum.filter((column) => isListed(column, matrix));
  const open = roles.datum.filter((column) => !listed.includes(column));
  const found = open.length === 0 ? { columns: [], rows: [[]] } : evidence(files, open, roles.anySuffices);
  const lists = listed.map(({ name, grain }) => [...valuesAt(matrix.get(name) as MatrixSet, grain)]);
  const named = listed.length > 0 || files.some((each) => requirementsOf(each, context).length > 0);
  return { rows: arrange(found, { columns: listed, rows: combinations(lists) }, roles.datum), named };
}

/** A matrix coarser than the datum's time only says which files count. */
function isListed({ name, grain }: Column, matrix: ReadonlyMap<string, MatrixSet>): boolean {
  const set = matrix.get(name);
  if (set === undefined) return false;
  return grain === undefined || set.grain === undefined || !isFiner(grain, set.grain);
}

function evidence(files: readonly DepFiles[], open: readonly Column[], anySuffices: boolean): Relation {
  const factsIn = (each: DepFiles): Relation =>
    factsOf(
      each,
      each.role.shared.filter(({ name }) => open.some((column) => column.name === name)),
    );
  const required = files.filter(({ role }) => role.kind === 'join' && !role.dep.optional).map(factsIn);
  const facts = required.filter(({ columns }) => columns.length > 0);
  if (anySuffices) {
    const any = files.filter(({ role }) => role.binding).map(factsIn);
    const whole = any.filter(({ columns }) => columns.length === open.length);
    facts.push(whole.length > 0 ? uniteAll(whole, open) : joinAll(any));
  }
  const joined = joinAll(facts);
  if (
    open.some(
      (column) => !joined.columns.some(({ name, grain }) => name === column.name && grain === column.grain),
    )
  )
    return { columns: open, rows: [] };
  return project(joined, open);
}

function uniteAll(relations: readonly Relation[], columns: readonly Column[]): Relation {
  return project(
    { columns, rows: relations.flatMap((relation) => project(relation, columns).rows) },
    columns,
  );
}

function arrange(found: Relation, listed: Relation, datum: readonly Column[]): readonly Row[] {
  if (listed.columns.length === 0) return found.rows;
  if (found.columns.length === 0) return listed.rows;
  const order = keyParts([...found.columns, ...listed.columns], datum).map(({ at }) => at);
  return found.rows.flatMap((row) =>
    listed.rows.map((values) => {
      const both = [...row, ...values];
      return order.map((at) => both[at] as CaptureValue);
    }),
  );
}
