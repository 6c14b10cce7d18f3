import { Problem, EXIT } from '../model/problem.ts';
import { didYouMean } from '../util/suggest.ts';
import { placeAt } from './source-text.ts';
import { parseYaml, type YamlSource } from './yaml-document.ts';
import { isNothing, type YamlNode } from './yaml-node.ts';
import { compareBytes } from '../model/repo-path.ts';

/** The value of a parameter. */
export interface ParamValue {
  /** What the key holds: exactly what the command can see, so that `0.10` and `0.1` differ and quotes don't count. */
  readonly json: string;
  /** What the variable holds: a scalar as written, nothing as '', a list or map as canonical JSON. */
  readonly text: string;
}

/**
 * The value of a dotted key in a YAML or JSON file. A part of the key may be a list's index. Throws a Problem (exit 2):
 * `invalid-params` where the text can't be read, `no-param` where it has no such key. Parses the text each time.
 */
export function readParam(text: string, file: string, key: string): ParamValue {
  const source: YamlSource = { file, text, code: 'invalid-params' };
  let node = parseYaml(source);
  const parts = key.split('.');
  for (const [index, part] of parts.entries()) {
    const below = node === undefined ? undefined : childOf(node, part);
    if (below === undefined) throw missing(source, { node, key, parent: parts.slice(0, index) });
    node = below;
  }
  const value = node === undefined ? '' : paramText(node);
  return { json: value, text: value };
}

function childOf(node: YamlNode, part: string): YamlNode | undefined {
  if (node.kind === 'map') return node.entries.find((entry) => entry.key.text === part)?.value;
  if (node.kind === 'list' && /^(0|[1-9][0-9]{0,8})$/.test(part)) return node.items[Number(part)];
  return undefined;
}

interface Missing {
  readonly node: YamlNode | undefined;
  readonly key: string;
  readonly parent: readonly string[];
}

function missing(source: YamlSource, { node, key, parent }: Missing): Problem {
  const prefix = parent.map((part) => `${part}.`).join('');
  const known = node?.kind === 'map' ? node.entries.map((entry) => prefix + entry.key.text) : [];
  const rest = key.slice(prefix.length).split('.')[0] ?? '';
  return new Problem({
    code: 'no-param',
    message: `${source.file} has no ${prefix}${rest}, which the param ${key} names`,
    hint: didYouMean(prefix + rest, known) ?? `Add ${key} to ${source.file}, or take it out of params.`,
    exit: EXIT.usage,
    place: node === undefined ? { file: source.file } : placeAt(source, node.at),
  });
}

function paramText(node: YamlNode): string {
  if (node.kind !== 'text') return jsonOf(node);
  return isNothing(node) ? '' : node.text;
}

const JSON_NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/;

/** Canonical JSON whose numbers are as written. */
function jsonOf(node: YamlNode): string {
  if (node.kind === 'list') return `[${node.items.map(jsonOf).join(',')}]`;
  if (node.kind === 'map') {
    const entries = [...node.entries].sort((a, b) => compareBytes(a.key.text, b.key.text));
    return `{${entries.map(({ key, value }) => `${JSON.stringify(key.text)}:${jsonOf(value)}`).join(',')}}`;
  }
  if (!node.plain) return JSON.stringify(node.text);
  if (isNothing(node)) return 'null';
  if (/^(true|false)$/i.test(node.text)) return node.text.toLowerCase();
  return JSON_NUMBER.test(node.text) ? node.text : JSON.stringify(node.text);
}
