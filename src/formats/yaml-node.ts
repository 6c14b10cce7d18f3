/** A YAML text as datawf sees it: scalars are texts as written, anchors and merge keys are resolved, places are kept. */
export type YamlNode = YamlText | YamlList | YamlMap;

interface Span {
  /** Offset of the first character. */
  readonly at: number;
  /** Offset behind the last one. */
  readonly end: number;
}

export interface YamlText extends Span {
  readonly kind: 'text';
  readonly text: string;
  /** Written without quotes, so that it may also be read as a number, a truth or nothing. */
  readonly plain: boolean;
}

export interface YamlList extends Span {
  readonly kind: 'list';
  readonly flow: boolean;
  readonly items: readonly YamlNode[];
}

export interface YamlMap extends Span {
  readonly kind: 'map';
  readonly flow: boolean;
  /** In the order of the text, no key twice. */
  readonly entries: readonly YamlEntry[];
}

export interface YamlEntry {
  readonly key: YamlText;
  readonly value: YamlNode;
}

/** What a YAML or JSON text can hold, for what is passed on unread (`pod_patch`) or written. */
export type PlainValue =
  string | number | boolean | null | readonly PlainValue[] | { readonly [key: string]: PlainValue };

/** Nothing was written: an empty value, `~` or `null`. */
export function isNothing(node: YamlNode): boolean {
  return node.kind === 'text' && node.plain && /^(|~|null|Null|NULL)$/.test(node.text);
}

/** The value of a map's key, or undefined. Cost: a look at each entry. */
export function valueOf(node: YamlNode | undefined, key: string): YamlNode | undefined {
  return entryOf(node, key)?.value;
}

/** The entry of a map's key, or undefined. */
export function entryOf(node: YamlNode | undefined, key: string): YamlEntry | undefined {
  return node?.kind === 'map' ? node.entries.find((entry) => entry.key.text === key) : undefined;
}

const NUMBER = /^[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/;

/** The value by YAML's core types: plain numbers, truths and nothing are what they look like, all else is text. */
export function toPlain(node: YamlNode): PlainValue {
  if (node.kind === 'list') return node.items.map(toPlain);
  if (node.kind === 'map') {
    return Object.fromEntries(node.entries.map(({ key, value }) => [key.text, toPlain(value)]));
  }
  if (!node.plain) return node.text;
  if (isNothing(node)) return null;
  if (/^(true|True|TRUE)$/.test(node.text)) return true;
  if (/^(false|False|FALSE)$/.test(node.text)) return false;
  return NUMBER.test(node.text) && Number.isFinite(Number(node.text)) ? Number(node.text) : node.text;
}

/** What a node is, in words for a message. */
export function kindOf(node: YamlNode): string {
  if (isNothing(node)) return 'nothing';
  return { text: 'a text', list: 'a list', map: 'a map' }[node.kind];
}
