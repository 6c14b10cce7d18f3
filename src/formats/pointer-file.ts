import type { Pointer, PointerFile, PointerFolder } from '../model/pointer.ts';
import { dataFault, isWithin, joinPath, parentOf, type RepoPath } from '../model/repo-path.ts';
import {
  checkVersion,
  choiceOf,
  digestOf,
  fieldsOf,
  reject,
  required,
  textOf,
  wholeOf,
  type Field,
} from './fields.ts';
import { collectFindings, problemOf } from './findings.ts';
import { parseYaml } from './yaml-document.ts';
import { digestText, keyText, textValue } from './yaml-text.ts';

const CODE = 'invalid-pointer';
const CURE = 'Take the last good one back with git checkout, or add the data again.';

/**
 * What a `<path>.datawf` says (formats 2.4); `file` is its own path in the repository, such as `data/raw.datawf`. Throws a
 * Problem `invalid-pointer` (exit 2) with line and cure, `merge-conflict` for conflict markers.
 */
export function parsePointerFile(text: string, file: RepoPath): Pointer {
  const source = { file, text, code: CODE, cure: CURE };
  const findings = collectFindings(source);
  const root = parseYaml(source);
  if (root === undefined) findings.add(0, `${file} is empty`);
  const pointer = root === undefined ? undefined : readPointer({ findings, node: root, what: file }, file);
  if (pointer === undefined || findings.list.length > 0) throw problemOf(CODE, findings, CURE);
  return pointer;
}

/** The text of the pointer file at `file`, in whose folder the data lies. One text for one pointer. */
export function formatPointerFile(pointer: Pointer, file: RepoPath): string {
  const folder = parentOf(file);
  if (!isWithin(pointer.path, folder)) throw new Error(`${pointer.path} is not below ${file}`);
  const { content } = pointer;
  const lines = [
    'version: 1',
    `path: ${keyText(folder === '' ? pointer.path : pointer.path.slice(folder.length + 1))}`,
  ];
  if (content.type === 'folder') {
    lines.push(`tree: ${digestText(content.tree)}`, `files: ${content.files}`, `bytes: ${content.bytes}`);
  } else {
    lines.push(`digest: ${digestText(content.digest)}`);
    if (content.kind !== 'f') lines.push(`kind: ${content.kind}`);
    lines.push('files: 1', `bytes: ${content.bytes}`);
  }
  if (pointer.source !== undefined) lines.push(`source: ${textValue(pointer.source)}`);
  if (pointer.pins !== undefined) lines.push(`pins: ${digestText(pointer.pins)}`);
  return `${lines.join('\n')}\n`;
}

function readPointer(whole: Field, file: RepoPath): Pointer | undefined {
  const fields = fieldsOf(whole, [
    'version',
    'path',
    'tree',
    'digest',
    'kind',
    'files',
    'bytes',
    'source',
    'pins',
  ]);
  checkVersion(whole, fields.get('version'));
  const path = readPath(required(whole, fields, 'path'), parentOf(file));
  const source = textOf(fields.get('source'));
  if (fields.has('tree') === fields.has('digest')) {
    return void reject(whole, `${file} needs either a tree (of a folder) or a digest (of one file)`);
  }
  const content = fields.has('tree') ? readFolder(whole, fields) : readFile(whole, fields);
  if (path === undefined || content === undefined) return undefined;
  const pins = fields.has('pins') ? digestOf(fields.get('pins')) : undefined;
  return { path, content, source, ...(pins === undefined ? {} : { pins }) };
}

function readPath(field: Field | undefined, folder: string): RepoPath | undefined {
  const text = textOf(field);
  if (field === undefined || text === undefined) return undefined;
  const fault = dataFault(text);
  if (fault === undefined) return joinPath(folder, text);
  return void reject(
    field,
    `the path ${JSON.stringify(text)} ${fault}`,
    'A pointer names data in its own folder or below.',
  );
}

function readFolder(whole: Field, fields: ReadonlyMap<string, Field>): PointerFolder | undefined {
  const tree = digestOf(fields.get('tree'));
  const files = wholeOf(required(whole, fields, 'files'), 0);
  const bytes = wholeOf(required(whole, fields, 'bytes'), 0);
  const kind = fields.get('kind');
  if (kind !== undefined) reject(kind, `${kind.what} is for one file, not for a tree`);
  return tree === undefined || files === undefined || bytes === undefined
    ? undefined
    : { type: 'folder', tree, files, bytes };
}

function readFile(whole: Field, fields: ReadonlyMap<string, Field>): PointerFile | undefined {
  const digest = digestOf(fields.get('digest'));
  const files = fields.get('files');
  const bytes = wholeOf(required(whole, fields, 'bytes'), 0);
  const kind = choiceOf(fields.get('kind'), ['f', 'x', 'l']) ?? 'f';
  if (files !== undefined && wholeOf(files, 1) !== 1) reject(files, `${files.what} is 1 for one file`);
  return digest === undefined || bytes === undefined ? undefined : { type: 'file', digest, kind, bytes };
}
