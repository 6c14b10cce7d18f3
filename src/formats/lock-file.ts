import type { Digest } from '../model/digest.ts';
import type { TreeRef } from '../model/file-entry.ts';
import type { Accepted, Lock, LockDatums, LockStage } from '../model/lock.ts';
import { dataFault, compareBytes, type RepoPath } from '../model/repo-path.ts';
import { isStageName } from '../model/stage-name.ts';
import { readLockYaml } from './lock-yaml.ts';
import { digestText, keyText, textValue } from './yaml-text.ts';

/**
 * The lock of a `datawf.lock` (formats 2.4). Throws a Problem `invalid-lock` (exit 2) with line and cure for anything but a
 * whole and valid one, `merge-conflict` where a merge left its markers. 600 stages take 3 ms as datawf writes them.
 */
export function parseLockFile(text: string, file: string): Lock {
  return readCanonicalLock(text) ?? readLockYaml(text, file);
}

/**
 * The text of a lock: sorted by bytes, one text for one lock, a block of lines per stage so that edits of different stages
 * merge in plain git. Cost: 5 µs a stage.
 */
export function formatLockFile(lock: Lock): string {
  if (lock.stages.size === 0) return 'version: 1\nstages: {}\n';
  const blocks = sorted(lock.stages).map(([name, stage]) => `  ${keyText(name)}:\n${formatStage(stage)}`);
  return `version: 1\nstages:\n${blocks.join('')}`;
}

function formatStage(stage: LockStage): string {
  const { table, count, failed } = stage.datums;
  const inputs =
    stage.inputs && sorted(stage.inputs).map(([dep, tree]) => `${keyText(dep)}: ${digestText(tree)}`);
  const outs = sorted(stage.outs).map(
    ([home, { tree, files, bytes }]) =>
      `${keyText(home)}: {tree: ${digestText(tree)}, files: ${files}, bytes: ${bytes}}`,
  );
  const accepted = sorted(stage.accepted).map(
    ([code, { as, by, reason }]) =>
      `${digestText(code)}: {as: ${digestText(as)}, by: ${textValue(by)}, reason: ${textValue(reason)}}`,
  );
  return [
    `    code: ${digestText(stage.code)}\n`,
    inputs === undefined ? '' : `    inputs: {${inputs.join(', ')}}\n`,
    `    datums: {table: ${digestText(table)}, count: ${count}${failed > 0 ? `, failed: ${failed}` : ''}}\n`,
    outs.length === 0 ? '    outs: {}\n' : `    outs:\n${lines(outs)}`,
    accepted.length === 0 ? '' : `    accepted:\n${lines(accepted)}`,
  ].join('');
}

function lines(items: readonly string[]): string {
  return items.map((item) => `      ${item}\n`).join('');
}

function sorted<Key extends string, Value>(map: ReadonlyMap<Key, Value>): [Key, Value][] {
  return [...map].sort(([a], [b]) => compareBytes(a, b));
}

/**
 * The lock of a text exactly as `formatLockFile` writes it; undefined for any other text, which may be valid all the same.
 * 600 stages take 3 ms, through YAML 200.
 */
function readCanonicalLock(text: string): Lock | undefined {
  try {
    const lock = readLock(text.split('\n'));
    return lock !== undefined && formatLockFile(lock) === text ? lock : undefined;
  } catch {
    return undefined;
  }
}

const DIGEST = '"?([0-9a-f]{64})"?';
const TEXT = '"(?:[^"\\\\]|\\\\.)*"';
const KEY = `[A-Za-z_][A-Za-z0-9_./-]*|${TEXT}`;
const STAGE_LINE = new RegExp(`^ {2}(${KEY}):$`);
const CODE_LINE = new RegExp(`^ {4}code: ${DIGEST}$`);
const INPUT = new RegExp(`(${KEY}): ${DIGEST}`, 'g');
const DATUMS_LINE = new RegExp(
  `^ {4}datums: {table: ${DIGEST}, count: (\\d{1,15})(?:, failed: (\\d{1,15}))?}$`,
);
const OUT_LINE = new RegExp(`^ {6}(${KEY}): {tree: ${DIGEST}, files: (\\d{1,15}), bytes: (\\d{1,15})}$`);
const ACCEPTED_LINE = new RegExp(`^ {6}${DIGEST}: {as: ${DIGEST}, by: (${TEXT}), reason: (${TEXT})}$`);

/** Reads leniently: what it took for something else comes out as another text. */
function readLock(all: readonly string[]): Lock | undefined {
  const stages = new Map<string, LockStage>();
  let at = 2;
  while (STAGE_LINE.test(all[at] ?? '')) {
    const name = keyOf(STAGE_LINE.exec(all[at] ?? '')?.[1]);
    const read = readStage(all, at + 1);
    if (read === undefined || !isStageName(name)) return undefined;
    stages.set(name, read.stage);
    at = read.next;
  }
  return { stages };
}

function readStage(all: readonly string[], start: number): { stage: LockStage; next: number } | undefined {
  let at = start;
  const code = CODE_LINE.exec(all[at++] ?? '')?.[1];
  const inputs = all[at]?.startsWith('    inputs: ') === true ? readInputs(all[at++] ?? '') : undefined;
  const datums = readDatums(all[at++] ?? '');
  if (code === undefined || datums === undefined) return undefined;
  const outs = new Map<RepoPath, TreeRef>();
  for (at += 1; OUT_LINE.test(all[at] ?? ''); at++) {
    const [, key, tree, files, bytes] = OUT_LINE.exec(all[at] ?? '') ?? [];
    const home = keyOf(key);
    if (dataFault(home) !== undefined) return undefined;
    outs.set(home as RepoPath, { tree: tree as Digest, files: Number(files), bytes: Number(bytes) });
  }
  const accepted = new Map<Digest, Accepted>();
  if (all[at] === '    accepted:') {
    for (at += 1; ACCEPTED_LINE.test(all[at] ?? ''); at++) {
      const [, half, as, by, reason] = ACCEPTED_LINE.exec(all[at] ?? '') ?? [];
      accepted.set(half as Digest, { as: as as Digest, by: keyOf(by), reason: keyOf(reason) });
    }
  }
  return { stage: { code: code as Digest, inputs, datums, outs, accepted }, next: at };
}

function readInputs(line: string): ReadonlyMap<string, Digest> {
  return new Map(
    [...line.slice('    inputs: '.length).matchAll(INPUT)].map(([, dep, tree]) => [
      keyOf(dep),
      tree as Digest,
    ]),
  );
}

function readDatums(line: string): LockDatums | undefined {
  const [, table, count, failed] = DATUMS_LINE.exec(line) ?? [];
  if (table === undefined || Number(failed ?? 0) > Number(count)) return undefined;
  return { table: table as Digest, count: Number(count), failed: Number(failed ?? 0) };
}

function keyOf(text: string | undefined): string {
  return text?.startsWith('"') === true ? (JSON.parse(text) as string) : (text ?? '');
}
