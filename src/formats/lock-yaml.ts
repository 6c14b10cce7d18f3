import { parseDigest, type Digest } from '../model/digest.ts';
import type { TreeRef } from '../model/file-entry.ts';
import type { Accepted, Lock, LockDatums, LockStage } from '../model/lock.ts';
import { dataFault, compareBytes, type RepoPath } from '../model/repo-path.ts';
import {
  checkVersion,
  digestOf,
  entriesOf,
  fieldsOf,
  reject,
  required,
  textOf,
  wholeOf,
  type Field,
  type NamedField,
} from './fields.ts';
import { collectFindings, problemOf } from './findings.ts';
import { isStageName } from '../model/stage-name.ts';
import { parseYaml, refuseConflict } from './yaml-document.ts';
import { isNothing } from './yaml-node.ts';

const CURE =
  'Take the last good one back with git checkout, or delete the file: datawf repro then finds its results in the run cache.';
const CODE = 'invalid-lock';

/**
 * The lock of any valid text; throws the Problem `invalid-lock` (exit 2) with line and cure where it isn't one, and
 * `merge-conflict` where a merge left its markers. Slow: 0.3 ms a stage.
 */
export function readLockYaml(text: string, file: string): Lock {
  const source = { file, text, code: CODE, cure: CURE };
  const findings = collectFindings(source);
  refuseConflict(source);
  if (text.trim() === '') findings.add(0, `${file} is empty`);
  else if (!text.endsWith('\n')) findings.add(text.length, `${file} is cut off in the middle of a line`);
  if (findings.list.length > 0) throw problemOf(CODE, findings, CURE);
  const root = parseYaml(source);
  if (root === undefined) findings.add(0, `${file} is empty`);
  const stages = root === undefined ? [] : readRoot({ findings, node: root, what: file });
  if (findings.list.length > 0) throw problemOf(CODE, findings, CURE);
  return { stages: sortedMap(stages) };
}

function readRoot(whole: Field): (readonly [string, LockStage])[] {
  const fields = fieldsOf(whole, ['version', 'stages']);
  checkVersion(whole, fields.get('version'));
  const stages = fields.get('stages');
  if (stages === undefined && whole.node.kind === 'map') reject(whole, `${whole.what} has no stages`);
  return entriesOf(stages).flatMap(({ name, at, value }) => {
    if (!isStageName(name)) value.findings.add(at, `${JSON.stringify(name)} is no stage name`);
    const stage = readStage({ ...value, what: `stage ${name} of ${whole.what}` });
    return stage === undefined ? [] : [[name, stage] as const];
  });
}

function readStage(whole: Field): LockStage | undefined {
  const fields = fieldsOf(whole, ['code', 'inputs', 'datums', 'outs', 'accepted']);
  if (whole.node.kind !== 'map') return undefined;
  for (const name of ['code', 'datums', 'outs'])
    if (!fields.has(name)) reject(whole, `${whole.what} has no ${name}`);
  const code = digestOf(fields.get('code'));
  const datums = readDatums(fields.get('datums'));
  const [inputs, outs, accepted] = [fields.get('inputs'), fields.get('outs'), fields.get('accepted')];
  if (code === undefined || datums === undefined) return undefined;
  return {
    code,
    datums,
    inputs: inputs === undefined ? undefined : sortedMap(entriesOf(inputs).flatMap(readInput)),
    outs: sortedMap(entriesOf(outs).flatMap(readOut)),
    accepted: sortedMap(entriesOf(accepted).flatMap(readAccepted)),
  };
}

function readInput({ name, value }: NamedField): (readonly [string, Digest])[] {
  const tree = digestOf(value);
  return tree === undefined ? [] : [[name, tree]];
}

function readDatums(field: Field | undefined): LockDatums | undefined {
  if (field === undefined) return undefined;
  const fields = fieldsOf(field, ['table', 'count', 'failed']);
  const table = digestOf(required(field, fields, 'table'));
  const count = wholeOf(required(field, fields, 'count'), 0);
  const failed = wholeOf(fields.get('failed'), 1) ?? 0;
  if (table === undefined || count === undefined) return undefined;
  if (failed > count) reject(field, `${field.what} has more failed lines than lines`);
  return { table, count, failed };
}

function readOut({ name, at, value }: NamedField): (readonly [RepoPath, TreeRef])[] {
  const fault = dataFault(name);
  if (fault !== undefined) value.findings.add(at, `the home ${JSON.stringify(name)} ${fault}`);
  const ref = readTreeRef(value);
  return ref === undefined || fault !== undefined ? [] : [[name as RepoPath, ref]];
}

function readTreeRef(field: Field): TreeRef | undefined {
  const fields = fieldsOf(field, ['tree', 'files', 'bytes']);
  const tree = digestOf(required(field, fields, 'tree'));
  const files = wholeOf(required(field, fields, 'files'), 0);
  const bytes = wholeOf(required(field, fields, 'bytes'), 0);
  return tree === undefined || files === undefined || bytes === undefined
    ? undefined
    : { tree, files, bytes };
}

function readAccepted({ name, at, value }: NamedField): (readonly [Digest, Accepted])[] {
  const code = parseDigest(name);
  if (code === undefined) value.findings.add(at, `${JSON.stringify(name)} in ${value.what} is no digest`);
  const fields = fieldsOf(value, ['as', 'by', 'reason']);
  const as = digestOf(required(value, fields, 'as'));
  const by = wordsOf(required(value, fields, 'by'));
  const reason = wordsOf(required(value, fields, 'reason'));
  if (code === undefined || as === undefined || by === undefined || reason === undefined) return [];
  return [[code, { as, by, reason }]];
}

/** A text that may be empty. */
function wordsOf(field: Field | undefined): string | undefined {
  return field?.node.kind === 'text' && !isNothing(field.node) ? field.node.text : textOf(field);
}

function sortedMap<Key extends string, Value>(
  entries: readonly (readonly [Key, Value])[],
): ReadonlyMap<Key, Value> {
  return new Map([...entries].sort(([a], [b]) => compareBytes(a, b)));
}
