import type { YamlEntry, YamlList, YamlMap, YamlNode, YamlText } from './yaml-node.ts';

/*
 * A reader of the YAML that people and datawf write every day. The `yaml` package costs 60 ms to load and 190 ms for
 * 600 stages, this takes 5 ms; whatever isn't certain here (anchors, tags, folded or multi-line scalars, any error) is
 * left to the package, and a test compares the two.
 */

/** The text as a map with places, or undefined where it holds anything beyond the subset. Never throws. */
export function readSubset(text: string): YamlMap | undefined {
  if (UNUSUAL.test(text)) return undefined;
  const reader: Reader = { text, pos: 0, lineEnd: 0, depth: 0 };
  try {
    const indent = nextLine(reader);
    const top = indent === 0 && !isDash(reader) ? readMap(reader, 0) : undefined;
    return reader.pos >= text.length ? top : undefined;
  } catch {
    return undefined;
  }
}

const UNUSUAL =
  /[^\n\u0020-\u007e\u00a1-\u167f\u1681-\u1fff\u200b-\u2027\u2030-\u205e\u2060-\u2fff\u3001-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u;

/** `pos` at the first character of a line's content, or of the rest of it; `lineEnd` at its newline. */
interface Reader {
  readonly text: string;
  pos: number;
  lineEnd: number;
  depth: number;
}

const beyond = new Error('beyond the subset');

function leave(): never {
  throw beyond;
}

/** From the start of a line to the first line with content; its indentation, or -1 at the end. */
function nextLine(reader: Reader): number {
  const { text } = reader;
  for (;;) {
    const start = reader.pos;
    if (start >= text.length) return -1;
    let at = start;
    while (text.charCodeAt(at) === SPACE) at += 1;
    const newline = text.indexOf('\n', at);
    reader.lineEnd = newline < 0 ? text.length : newline;
    if (at < reader.lineEnd && text.charCodeAt(at) !== HASH) {
      if (at === start && /^(---|\.\.\.|%)/.test(text.slice(at, at + 3))) leave();
      reader.pos = at;
      return at - start;
    }
    reader.pos = reader.lineEnd + 1;
  }
}

/** From somewhere in a line to the start of the next; a look ahead is undone by setting `pos` back. */
function endLine(reader: Reader): void {
  skipSpaces(reader);
  if (reader.pos < reader.lineEnd) {
    if (reader.text.charCodeAt(reader.pos) !== HASH || reader.text.charCodeAt(reader.pos - 1) !== SPACE)
      leave();
  }
  reader.pos = reader.lineEnd + 1;
}

const [SPACE, HASH, COLON, DASH, QUOTE, APOSTROPHE] = [32, 35, 58, 45, 34, 39];
const [OPEN_LIST, CLOSE_LIST, OPEN_MAP, CLOSE_MAP, COMMA, BAR] = [91, 93, 123, 125, 44, 124];

function skipSpaces(reader: Reader): void {
  while (reader.text.charCodeAt(reader.pos) === SPACE) reader.pos += 1;
}

function isDash(reader: Reader): boolean {
  return reader.text.charCodeAt(reader.pos) === DASH && /[ \n]|^$/.test(reader.text.charAt(reader.pos + 1));
}

/** V8 ends the process where a regular expression is compiled at the end of the stack. */
const DEEPEST = 50;

function enter(reader: Reader): void {
  reader.depth += 1;
  if (reader.depth > DEEPEST) leave();
}

function readMap(reader: Reader, indent: number): YamlMap {
  enter(reader);
  const at = reader.pos;
  const entries: YamlEntry[] = [];
  const seen = new Set<string>();
  for (;;) {
    const key = readKey(reader);
    if (seen.has(key.text)) leave();
    seen.add(key.text);
    entries.push({ key, value: readBlockValue(reader, indent) });
    const start = reader.pos;
    const next = nextLine(reader);
    if (next > indent || (next === indent && isDash(reader))) leave();
    if (next < indent) {
      if (next >= 0) reader.pos = start;
      reader.depth -= 1;
      return { kind: 'map', flow: false, at, end: endOf(entries), entries };
    }
  }
}

function endOf(entries: readonly YamlEntry[]): number {
  return entries.at(-1)?.value.end ?? 0;
}

const KEY = /[A-Za-z0-9_./][A-Za-z0-9_./-]*/y;

/** A key with its colon; `pos` behind the colon. */
function readKey(reader: Reader): YamlText {
  const { text } = reader;
  const at = reader.pos;
  let key: YamlText;
  if (text.charCodeAt(at) === QUOTE) {
    key = readDouble(reader);
  } else {
    KEY.lastIndex = at;
    const word = KEY.exec(text)?.[0] ?? leave();
    reader.pos += word.length;
    key = { kind: 'text', text: word, plain: true, at, end: reader.pos };
  }
  if (text.charCodeAt(reader.pos) !== COLON || key.end - at > 1000) leave();
  reader.pos += 1;
  return key;
}

/** What stands behind a key's colon, in the line or below it; `pos` at the start of the next line. */
function readBlockValue(reader: Reader, indent: number): YamlNode {
  if (reader.pos < reader.lineEnd && reader.text.charCodeAt(reader.pos) !== SPACE) leave();
  const behindColon = reader.pos;
  skipSpaces(reader);
  const code = reader.pos >= reader.lineEnd ? HASH : reader.text.charCodeAt(reader.pos);
  if (code === BAR) return readLiteral(reader, indent);
  if (code !== HASH) return readInline(reader);
  endLine(reader);
  const start = reader.pos;
  const next = nextLine(reader);
  if (next > indent) return isDash(reader) ? readList(reader, next) : readMap(reader, next);
  if (next === indent && isDash(reader)) return readList(reader, next);
  if (next >= 0) reader.pos = start;
  return { kind: 'text', text: '', plain: true, at: behindColon, end: behindColon };
}

function readList(reader: Reader, indent: number): YamlList {
  const at = reader.pos;
  const items: YamlNode[] = [];
  for (;;) {
    reader.pos += 1;
    skipSpaces(reader);
    if (reader.pos >= reader.lineEnd || reader.text.charCodeAt(reader.pos) === HASH) leave();
    items.push(readInline(reader));
    const start = reader.pos;
    const next = nextLine(reader);
    if (next > indent) leave();
    if (next < indent || !isDash(reader)) {
      if (next >= 0) reader.pos = start;
      return { kind: 'list', flow: false, at, end: items.at(-1)?.end ?? at, items };
    }
  }
}

/** A value in one line, to the end of the line. */
function readInline(reader: Reader): YamlNode {
  const node = readSpecial(reader) ?? readPlain(reader, PLAIN_LINE);
  endLine(reader);
  return node;
}

function readSpecial(reader: Reader): YamlNode | undefined {
  const code = reader.text.charCodeAt(reader.pos);
  if (code === QUOTE) return readDouble(reader);
  if (code === APOSTROPHE) return readSingle(reader);
  if (code === OPEN_MAP) return readFlowMap(reader);
  if (code === OPEN_LIST) return readFlowList(reader);
  return undefined;
}

// A plain scalar's first character and the rest: no `: `, no ` #`; between brackets also none of `,[]{}`.
const PLAIN_LINE = /(?:[^\s\-?:,[\]{}#&*!|>'"%@`]|[-?:](?=[^\s]))(?:[^\n:#]|:(?=[^ \n])|(?<! )#)*/y;
const PLAIN_FLOW =
  /(?:[^\s\-?:,[\]{}#&*!|>'"%@`]|[-?:](?=[^\s,[\]{}]))(?:[^\n:#,[\]{}]|:(?=[^ \n,[\]{}])|(?<! )#)*/y;

function readPlain(reader: Reader, grammar: RegExp): YamlText {
  const at = reader.pos;
  grammar.lastIndex = at;
  const matched = grammar.exec(reader.text)?.[0] ?? leave();
  const word = matched.endsWith(' ') ? withoutEndSpaces(matched) : matched;
  if (word.startsWith('---') || word.startsWith('...')) leave();
  reader.pos += word.length;
  return { kind: 'text', text: word, plain: true, at, end: reader.pos };
}

function withoutEndSpaces(word: string): string {
  let end = word.length;
  while (word.charCodeAt(end - 1) === SPACE) end -= 1;
  return word.slice(0, end);
}

const DOUBLE = /"((?:[^"\\\n]|\\["\\nt])*)"/y;
const ESCAPED: Readonly<Record<string, string>> = { '\\n': '\n', '\\t': '\t', '\\"': '"', '\\\\': '\\' };

function readDouble(reader: Reader): YamlText {
  const at = reader.pos;
  DOUBLE.lastIndex = at;
  const [whole, inner] = DOUBLE.exec(reader.text) ?? leave();
  reader.pos += whole.length;
  const text = inner?.replace(/\\./g, (escape) => ESCAPED[escape] ?? leave()) ?? '';
  return { kind: 'text', text, plain: false, at, end: reader.pos };
}

const SINGLE = /'((?:[^'\n]|'')*)'/y;

function readSingle(reader: Reader): YamlText {
  const at = reader.pos;
  SINGLE.lastIndex = at;
  const [whole, inner] = SINGLE.exec(reader.text) ?? leave();
  reader.pos += whole.length;
  return { kind: 'text', text: inner?.replaceAll("''", "'") ?? '', plain: false, at, end: reader.pos };
}

function readFlowList(reader: Reader): YamlList {
  enter(reader);
  const at = reader.pos;
  const items: YamlNode[] = [];
  reader.pos += 1;
  skipSpaces(reader);
  let code = reader.text.charCodeAt(reader.pos);
  while (code !== CLOSE_LIST) {
    items.push(readSpecial(reader) ?? readPlain(reader, PLAIN_FLOW));
    code = endItem(reader, CLOSE_LIST);
  }
  reader.pos += 1;
  reader.depth -= 1;
  return { kind: 'list', flow: true, at, end: reader.pos, items };
}

function readFlowMap(reader: Reader): YamlMap {
  enter(reader);
  const at = reader.pos;
  const entries: YamlEntry[] = [];
  const seen = new Set<string>();
  reader.pos += 1;
  skipSpaces(reader);
  let code = reader.text.charCodeAt(reader.pos);
  while (code !== CLOSE_MAP) {
    const key = readKey(reader);
    if (seen.has(key.text)) leave();
    seen.add(key.text);
    entries.push({ key, value: readFlowValue(reader) });
    code = endItem(reader, CLOSE_MAP);
  }
  reader.pos += 1;
  reader.depth -= 1;
  return { kind: 'map', flow: true, at, end: reader.pos, entries };
}

function readFlowValue(reader: Reader): YamlNode {
  const at = reader.pos;
  let code = reader.text.charCodeAt(at);
  if (code !== SPACE && code !== COMMA && code !== CLOSE_MAP) leave();
  skipSpaces(reader);
  code = reader.text.charCodeAt(reader.pos);
  if (code === COMMA || code === CLOSE_MAP) return { kind: 'text', text: '', plain: true, at, end: at };
  return readSpecial(reader) ?? readPlain(reader, PLAIN_FLOW);
}

/** Past the comma behind an item, to the next one; or to the closing bracket, which it returns. */
function endItem(reader: Reader, close: number): number {
  skipSpaces(reader);
  const code = reader.text.charCodeAt(reader.pos);
  if (code === close) return close;
  if (code !== COMMA) leave();
  reader.pos += 1;
  skipSpaces(reader);
  if (reader.text.charCodeAt(reader.pos) === close) leave();
  return 0;
}

const LITERAL = /\|(-?) *\n( +)(?=[^ \n])/y;

/** A `|` or `|-` block whose first line has text; to the start of the line behind it. */
function readLiteral(reader: Reader, indent: number): YamlText {
  const { text } = reader;
  const at = reader.pos;
  LITERAL.lastIndex = at;
  const [, strip, spaces = ''] = LITERAL.exec(text) ?? leave();
  const margin = spaces.length;
  if (margin <= indent) leave();
  const lines: string[] = [];
  let start = reader.lineEnd + 1;
  let end = start;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    if (newline < 0) leave();
    const line = text.slice(start, newline);
    const content = line.trimStart();
    const lead = line.length - content.length;
    if (content === '') {
      if (lead > margin) leave();
      lines.push('');
    } else if (lead >= margin) {
      lines.push(line.slice(margin));
      end = newline + 1;
    } else {
      if (lead > indent) leave();
      break;
    }
    start = newline + 1;
  }
  while (lines.at(-1) === '') lines.pop();
  reader.pos = start;
  return { kind: 'text', text: lines.join('\n') + (strip === '-' ? '' : '\n'), plain: false, at, end };
}
