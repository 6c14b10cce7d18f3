import { loadYaml, parseYaml, type YamlSource } from './yaml-document.ts';
import { entryOf, isNothing, toPlain, type PlainValue, type YamlMap, type YamlNode } from './yaml-node.ts';

/** An edit of a YAML text: the value at a path, or undefined to take its entry away. */
export interface YamlEdit {
  readonly path: readonly [string, ...string[]];
  readonly value: PlainValue | undefined;
}

/**
 * The text with an edit made. Everything else stays as written, comments and quoting too, wherever the edit can be made in
 * place; a text too unusual for that is written anew by the YAML package, which keeps comments but not spacing.
 */
export function editYaml(source: YamlSource, edit: YamlEdit): string {
  const root = parseYaml(source);
  const before = root === undefined ? {} : toPlain(root);
  const wanted = JSON.stringify(changed(before, edit.path, edit.value));
  const spliced = splice(source.text, root, edit);
  if (spliced !== undefined && plainText({ ...source, text: spliced }) === wanted) return spliced;
  return rewrite(source, edit);
}

function plainText(source: YamlSource): string | undefined {
  try {
    const root = parseYaml(source);
    return JSON.stringify(root === undefined ? {} : toPlain(root));
  } catch {
    return undefined;
  }
}

function rewrite(source: YamlSource, { path, value }: YamlEdit): string {
  const document = loadYaml().parseDocument(source.text);
  if (value === undefined) document.deleteIn(path);
  else document.setIn(path, document.createNode(value));
  return document.toString({ lineWidth: 0 });
}

/** The plain value with an edit made; maps on the way are made where absent. */
function changed(before: PlainValue, path: readonly string[], value: PlainValue | undefined): PlainValue {
  const [key, ...rest] = path;
  if (key === undefined) return value ?? null;
  const map = isMap(before) ? { ...before } : {};
  if (rest.length > 0) {
    if (value !== undefined || isMap(map[key])) map[key] = changed(map[key] ?? {}, rest, value);
  } else if (value === undefined) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a copy of plain data
    delete map[key];
  } else {
    map[key] = value;
  }
  return map;
}

function isMap(value: PlainValue | undefined): value is Readonly<Record<string, PlainValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The edit made in place, or undefined where that isn't simple. */
function splice(text: string, root: YamlNode | undefined, { path, value }: YamlEdit): string | undefined {
  let node = root;
  let depth = 0;
  for (; depth < path.length; depth++) {
    const entry = entryOf(node, path[depth] ?? '');
    if (entry === undefined) break;
    if (depth === path.length - 1) {
      if (node?.kind !== 'map') return undefined;
      if (value === undefined) return withoutEntry(text, node, path[depth] ?? '');
      return replaced(text, { map: node, key: path[depth] ?? '', value });
    }
    if (isNothing(entry.value)) {
      return filled(text, {
        at: entry.key.end,
        indent: columnOf(text, entry.key.at) + 2,
        value: nested(path.slice(depth + 1), value),
      });
    }
    node = entry.value;
  }
  if (value === undefined) return text;
  const rest = nested(path.slice(depth), value);
  if (node === undefined)
    return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${block(rest, 0)}\n`;
  return node.kind === 'map' ? appended(text, node, rest) : undefined;
}

function nested(path: readonly string[], value: PlainValue | undefined): PlainValue {
  return path.reduceRight<PlainValue>((inner, key) => ({ [key]: inner }), value ?? null);
}

/** A map's first entry after a key that had nothing: behind the comment lines that follow the key, where they are indented. */
function filled(
  text: string,
  { at, indent, value }: { at: number; indent: number; value: PlainValue },
): string {
  const lineEnd = endOfLine(text, at);
  const colon = text.indexOf(':', at);
  if (colon < 0 || colon > lineEnd) return text;
  return `${text.slice(0, lineEnd)}\n${block(value, indent)}${text.slice(lineEnd)}`;
}

function appended(text: string, map: YamlMap, value: PlainValue): string | undefined {
  const last = map.entries.at(-1);
  if (map.flow) {
    if (text[map.end - 1] !== '}') return undefined;
    if (last === undefined) {
      const line = text.lastIndexOf('\n', map.at) + 1;
      const indent = /^ */.exec(text.slice(line))?.[0].length ?? 0;
      return `${text.slice(0, map.at).trimEnd()}\n${block(value, indent + 2)}${text.slice(map.end)}`;
    }
    const inner = flow(value).slice(1, -1);
    return `${text.slice(0, last.value.end)}, ${inner}${text.slice(last.value.end)}`;
  }
  if (last === undefined) return undefined;
  const at = endOfLine(text, lastCharacter(text, last.value.end));
  const column = columnOf(text, last.key.at);
  const apart = blankBetween(text, map) || (column === 0 && isMap(value) && Object.values(value).some(isMap));
  const gap = apart ? '\n\n' : '\n';
  return `${text.slice(0, at)}${gap}${block(value, column)}${text.slice(at) || '\n'}`;
}

/** Whether the entries of a map are set apart by blank lines. */
function blankBetween(text: string, map: YamlMap): boolean {
  const [first, second] = map.entries;
  return (
    first !== undefined &&
    second !== undefined &&
    /\n[ \t]*\n/.test(text.slice(first.value.end, second.key.at))
  );
}

function withoutEntry(text: string, map: YamlMap, key: string): string | undefined {
  const index = map.entries.findIndex((entry) => entry.key.text === key);
  const entry = map.entries[index];
  if (entry === undefined) return text;
  const next = map.entries[index + 1];
  if (map.flow) {
    const before = map.entries[index - 1];
    if (next !== undefined) return text.slice(0, entry.key.at) + text.slice(next.key.at);
    return before === undefined ? undefined : text.slice(0, before.value.end) + text.slice(entry.value.end);
  }
  if (map.entries.length === 1) return undefined;
  const from = text.lastIndexOf('\n', entry.key.at) + 1;
  const to = Math.min(text.length, endOfLine(text, lastCharacter(text, entry.value.end)) + 1);
  const blank = next === undefined ? '' : (/^([ \t]*\n)+/.exec(text.slice(to))?.[0] ?? '');
  return text.slice(0, from) + text.slice(to + blank.length);
}

function replaced(
  text: string,
  { map, key, value }: { map: YamlMap; key: string; value: PlainValue },
): string | undefined {
  const entry = entryOf(map, key);
  if (entry === undefined) return undefined;
  const old = entry.value;
  const inLine = (old.kind === 'text' || old.flow) && !text.slice(old.at, old.end).includes('\n');
  if (inLine && !isMap(value) && !isNothing(old))
    return text.slice(0, old.at) + flow(value) + text.slice(old.end);
  if (map.flow) return undefined;
  const from = text.lastIndexOf('\n', entry.key.at) + 1;
  const to = endOfLine(text, lastCharacter(text, old.end));
  return text.slice(0, from) + block({ [key]: value }, columnOf(text, entry.key.at)) + text.slice(to);
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

/** Offset behind the last character that isn't space before an end that may lie on a later line. */
function lastCharacter(text: string, end: number): number {
  return text.slice(0, end).trimEnd().length;
}

function columnOf(text: string, at: number): number {
  return at - (text.lastIndexOf('\n', at - 1) + 1);
}

/** A map's entries as lines; lists are in flow form. No newline at the end. */
function block(value: PlainValue, indent: number): string {
  if (!isMap(value)) return flow(value);
  const lead = ' '.repeat(indent);
  const lines = Object.entries(value).map(([key, inner]) => {
    const name = scalar(key, true);
    if (isMap(inner) && Object.keys(inner).length > 0) return `${lead}${name}:\n${block(inner, indent + 2)}`;
    return `${lead}${name}: ${typeof inner === 'string' ? scalar(inner, false) : flow(inner)}`;
  });
  return lines.join('\n');
}

function flow(value: PlainValue): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (isMap(value))
    return `{${Object.entries(value)
      .map(([key, inner]) => `${scalar(key, true)}: ${flow(inner)}`)
      .join(', ')}}`;
  return typeof value === 'string' ? scalar(value, true) : JSON.stringify(value);
}

/** A text, plain where that reads back as the same text, else quoted; patterns are always quoted. */
function scalar(text: string, inFlow: boolean): string {
  const plain =
    /^[A-Za-z_./$][^\n\t]*$/.test(text) &&
    !/(: | #|:$|\s$)/.test(text) &&
    !/^(true|false|null|yes|no|on|off|y|n|~)$/i.test(text) &&
    !/^[^ ]*[{*]/.test(text) &&
    !(inFlow && /[,[\]{}"':#]/.test(text));
  if (plain) return text;
  return text.includes('\n') || text.includes("'") || !text.includes('"')
    ? JSON.stringify(text)
    : `'${text}'`;
}
