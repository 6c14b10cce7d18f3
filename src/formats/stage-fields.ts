import { Problem } from '../model/problem.ts';
import { parseShift } from '../model/moment.ts';
import { parsePattern, type Pattern } from '../model/pattern.ts';
import type { CodePath, Dep, Out, ParamRef, Shift } from '../model/stage.ts';
import {
  choiceOf,
  entriesOf,
  fieldsOf,
  flagOf,
  itemsOf,
  parsedOf,
  reject,
  textOf,
  textsOf,
  type Field,
} from './fields.ts';
import type { RepoPath } from '../model/repo-path.ts';
import { trackedPath } from './tracked-path.ts';
import { quotingHint } from './yaml-hint.ts';
import { isNothing } from './yaml-node.ts';

/** `cmd`: a text for the shell or a list. */
export function readCmd(field: Field | undefined): string | readonly string[] | undefined {
  if (field?.node.kind !== 'list') return textOf(field);
  const words = (itemsOf(field) ?? []).map((item) => wordOf(item));
  if (words.length === 0 || words[0] === '') return void reject(field, `${field.what} names no program`);
  return words.every((word) => word !== undefined) ? words : undefined;
}

function wordOf(item: Field): string | undefined {
  return item.node.kind === 'text' && !isNothing(item.node) ? item.node.text : textOf(item);
}

/** `code`: files, and folders by a trailing slash. */
export function readCode(field: Field | undefined, base: string): readonly CodePath[] {
  const code = new Map<string, CodePath>();
  for (const item of itemsOf(field) ?? []) {
    const entry = readCodePath(item, base);
    if (entry === undefined) continue;
    if (code.has(entry.path)) reject(item, `${entry.path} is here twice`, 'Delete one of them.');
    code.set(entry.path, entry);
  }
  return [...code.values()];
}

function readCodePath(item: Field, base: string): CodePath | undefined {
  const text = textOf(item);
  if (text === undefined) return undefined;
  if (/[*{}]/.test(text)) {
    return void reject(
      item,
      `${item.what} is a pattern: ${text}`,
      'Name files, or a folder with a trailing slash: lib/',
    );
  }
  const path = readPath(item, text.replace(/\/$/, ''), base);
  return path === undefined ? undefined : { path, folder: text.endsWith('/') };
}

function readPath(item: Field, text: string, base: string): RepoPath | undefined {
  const tracked = trackedPath(text, base);
  if ('path' in tracked) return tracked.path;
  const cure = 'Name a file or folder inside the repository; a leading / means its root.';
  return void reject(item, `the path ${JSON.stringify(text)} ${tracked.fault}`, cure);
}

/** `deps`: a pattern, or a map with one. */
export function readDeps(field: Field | undefined, base: string): readonly Dep[] {
  return entriesOf(field).flatMap(({ name, value }) => {
    const form = formOf(value, ['path', 'optional', 'window', 'access']);
    const pattern = readPattern(form.get('path'), base);
    if (pattern === undefined) return [];
    return [
      {
        name,
        pattern,
        optional: flagOf(form.get('optional')) ?? false,
        window: readWindow(form.get('window')),
        access: choiceOf(form.get('access'), ['file', 'url']) ?? 'file',
      },
    ];
  });
}

/** `outs`: a pattern, or a map with one. */
export function readOuts(field: Field | undefined, base: string): readonly Out[] {
  return entriesOf(field).flatMap(({ name, value }) => {
    const form = formOf(value, ['path', 'optional']);
    const pattern = readPattern(form.get('path'), base);
    return pattern === undefined ? [] : [{ name, pattern, optional: flagOf(form.get('optional')) ?? false }];
  });
}

/** The long form's fields; the short form is its `path` alone. */
function formOf(field: Field, known: readonly string[]): ReadonlyMap<string, Field> {
  const { node, what, findings } = field;
  if (node.kind !== 'map') return new Map([['path', { ...field, what: `the path of ${what}` }]]);
  if (node.flow && node.entries.every((entry) => isNothing(entry.value)) && node.entries.length > 0) {
    reject(
      field,
      `${what} is an unquoted pattern, which YAML reads as a map`,
      quotingHint(findings.source.text, node.at),
    );
    return new Map();
  }
  const form = fieldsOf(field, known);
  if (!form.has('path'))
    reject(field, `${what} has no path`, 'Write {path: "data/{name}.csv", …}, or the pattern alone.');
  return form;
}

function readPattern(field: Field | undefined, base: string): Pattern | undefined {
  const text = textOf(field);
  if (field === undefined || text === undefined) return undefined;
  try {
    return parsePattern(text, base);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return void reject(field, error.message, error.hint);
  }
}

const WINDOW = 'Write the shifts of its start and end: [-6d, 0d]. Units are y, mo, w, d, h, m, s.';

function readWindow(field: Field | undefined): readonly [Shift, Shift] | undefined {
  const items = itemsOf(field);
  if (field === undefined || items === undefined) return undefined;
  if (items.length !== 2) return void reject(field, `${field.what} takes two shifts`, WINDOW);
  const [start, end] = items.map((item) => parsedOf(item, parseShift, WINDOW));
  return start === undefined || end === undefined ? undefined : [start, end];
}

const PARAM = /^(?:(.+):)?([^:]+)$/s;

/** `params`: a key of params.yaml beside the file, or `file.yaml:key`. */
export function readParams(field: Field | undefined, base: string): readonly ParamRef[] {
  return (itemsOf(field) ?? []).flatMap((item) => {
    const text = textOf(item);
    if (text === undefined) return [];
    const [, file = 'params.yaml', key = ''] = PARAM.exec(text) ?? [];
    const path = readPath(item, file, base);
    if (path === undefined) return [];
    if (/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*$/.test(key)) {
      return [{ file: path, key, variable: key.replaceAll('.', '_') }];
    }
    const cure = 'Keys are names with dots between them, as in clean.threshold or file.yaml:clean.threshold.';
    reject(item, `the param ${JSON.stringify(text)} makes no variable name`, cure);
    return [];
  });
}

/** `env`: texts, or null for a value from outside. */
export function readEnv(field: Field | undefined): ReadonlyMap<string, string | null> {
  const env = new Map<string, string | null>();
  for (const { name, value } of entriesOf(field)) {
    const { node } = value;
    if (isNothing(node)) env.set(name, null);
    else if (node.kind === 'text') env.set(name, node.text);
    else textOf(value);
  }
  return env;
}

/** `secrets`: names of variables. */
export function readSecrets(field: Field | undefined): readonly string[] {
  return textsOf(field) ?? [];
}
