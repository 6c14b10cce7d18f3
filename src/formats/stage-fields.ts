import { Problem } from '../model/problem.ts';
import { parseShift } from '../model/moment.ts';
import { parsePattern, type Pattern } from '../model/pattern.ts';
import type { CodePath, Dep, Out, ParamRef, Shift } from '../model/stage.ts';
import {
  choiceOf,
  entriesOf,
  entryField,
  fieldsOf,
  flagOf,
  itemsOf,
  parsedOf,
  reject,
  textOf,
  textsOf,
  type Field,
} from './fields.ts';
import { trackedPath } from './tracked-path.ts';
import { quotingHint } from './yaml-hint.ts';
import { isNothing } from './yaml-node.ts';

/** `cmd`: a text for the shell or a list. */
export function readCmd(field: Field | undefined): string | readonly string[] | undefined {
  if (field?.node.kind !== 'list') return textOf(field);
  const words = field.node.items.map((node) =>
    node.kind === 'text' && !isNothing(node)
      ? node.text
      : textOf({ ...field, node, what: `an item of ${field.what}` }),
  );
  if (words.length === 0 || words[0] === '') return reject(field, `${field.what} names no program`);
  return words.every((word) => word !== undefined) ? words : undefined;
}

/** `code`: files, and folders by a trailing slash. */
export function readCode(field: Field | undefined, base: string): readonly CodePath[] {
  const seen = new Set<string>();
  return (itemsOf(field) ?? []).flatMap((node) => {
    const item: Field = {
      findings: field?.findings ?? never(),
      node,
      what: `an item of ${field?.what ?? ''}`,
    };
    const text = textOf(item);
    if (text === undefined) return [];
    if (/[*{}]/.test(text)) {
      reject(
        item,
        `${JSON.stringify(text)} in ${field?.what ?? ''} is a pattern`,
        'Name files, or a folder with a trailing slash: lib/',
      );
      return [];
    }
    const tracked = trackedPath(text.replace(/\/$/, ''), base);
    if ('fault' in tracked) {
      reject(
        item,
        `the path ${JSON.stringify(text)} ${tracked.fault}`,
        'Name files or folders inside the repository; a leading / means its root.',
      );
      return [];
    }
    if (seen.has(tracked.path)) {
      reject(item, `${JSON.stringify(text)} is in ${field?.what ?? ''} twice`, 'Delete one of them.');
      return [];
    }
    seen.add(tracked.path);
    return [{ path: tracked.path, folder: text.endsWith('/') }];
  });
}

function never(): never {
  throw new Error('an item has a list');
}

/** `deps`: a pattern, or a map with one. */
export function readDeps(field: Field | undefined, base: string): readonly Dep[] {
  return entriesOf(field).flatMap((entry) => {
    const dep = entryField(field ?? never(), entry);
    const form = formOf(dep, ['path', 'optional', 'window', 'access']);
    const pattern = readPattern(form.get('path'), base);
    if (pattern === undefined) return [];
    return [
      {
        name: entry.key.text,
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
  return entriesOf(field).flatMap((entry) => {
    const out = entryField(field ?? never(), entry);
    const form = formOf(out, ['path', 'optional']);
    const pattern = readPattern(form.get('path'), base);
    if (pattern === undefined) return [];
    return [{ name: entry.key.text, pattern, optional: flagOf(form.get('optional')) ?? false }];
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
    return reject(field, error.message, error.hint);
  }
}

const WINDOW = 'Write the shifts of its start and end: [-6d, 0d]. Units are y, mo, w, d, h, m, s.';

function readWindow(field: Field | undefined): readonly [Shift, Shift] | undefined {
  const items = itemsOf(field);
  if (field === undefined || items === undefined) return undefined;
  if (items.length !== 2) return reject(field, `${field.what} takes two shifts`, WINDOW);
  const [start, end] = items.map((node) => parsedOf({ ...field, node }, parseShift, WINDOW));
  return start === undefined || end === undefined ? undefined : [start, end];
}

const PARAM = /^(?:(.+):)?([^:]+)$/s;

/** `params`: a key of params.yaml beside the file, or `file.yaml:key`. */
export function readParams(field: Field | undefined, base: string): readonly ParamRef[] {
  return (itemsOf(field) ?? []).flatMap((node) => {
    const item: Field = { ...(field ?? never()), node, what: `an item of ${field?.what ?? ''}` };
    const text = textOf(item);
    if (text === undefined) return [];
    const [, file = 'params.yaml', key = ''] = PARAM.exec(text) ?? [];
    const variable = key.replaceAll('.', '_');
    const tracked = trackedPath(file, base);
    if ('fault' in tracked) {
      reject(
        item,
        `the path ${JSON.stringify(file)} ${tracked.fault}`,
        'Name a file of the repository: params.yaml:key',
      );
      return [];
    }
    if (!/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*$/.test(key)) {
      reject(
        item,
        `the param ${JSON.stringify(text)} makes no variable name`,
        'Keys are names with dots between them, as in clean.threshold or file.yaml:clean.threshold.',
      );
      return [];
    }
    return [{ file: tracked.path, key, variable }];
  });
}

/** `env`: texts, or null for a value from outside. */
export function readEnv(field: Field | undefined): ReadonlyMap<string, string | null> {
  const env = new Map<string, string | null>();
  for (const entry of entriesOf(field)) {
    const { key, value } = entry;
    if (isNothing(value)) env.set(key.text, null);
    else if (value.kind === 'text') env.set(key.text, value.text);
    else textOf(entryField(field ?? never(), entry));
  }
  return env;
}

/** `secrets`: names of variables. */
export function readSecrets(field: Field | undefined): readonly string[] {
  return textsOf(field) ?? [];
}
