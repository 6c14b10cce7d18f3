import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { EXIT, Problem } from '../model/problem.ts';
import { collectFindings, problemOf, type Findings } from './findings.ts';
import { placeAt, type SourceText } from './source-text.ts';
import { CONFLICT_MARKER } from './conflict-text.ts';
import { quotingHint } from './yaml-hint.ts';
import { isNothing, type YamlEntry, type YamlNode, type YamlText } from './yaml-node.ts';
import { readSubset } from './yaml-subset.ts';

/** A YAML text to read, with the problem code that its faults get. */
export interface YamlSource extends SourceText {
  /** Such as `invalid-pipeline`. */
  readonly code: string;
  /** The cure of any fault, of a file that isn't mended by hand. */
  readonly cure?: string;
}

/**
 * The text as nodes; undefined where it holds nothing. Throws one Problem (exit 2) that lists all faults of syntax;
 * `merge-conflict` where the text has conflict markers. Cost: 0.1 ms a kilobyte, and 60 ms once for unusual YAML.
 */
export function parseYaml(source: YamlSource): YamlNode | undefined {
  refuseConflict(source);
  return readSubset(source.text) ?? readWithPackage(source);
}

/** Throws the Problem `merge-conflict` (exit 2) where a merge left its markers in the text. */
export function refuseConflict(source: SourceText): void {
  const marker = CONFLICT_MARKER.exec(source.text);
  if (marker === null) return;
  const isOurs = /(^|\/)(datawf\.lock|[^/]+\.datawf)$/.test(source.file);
  throw new Problem({
    code: 'merge-conflict',
    message: `${source.file} has conflict markers from a merge`,
    hint: isOurs
      ? 'Run: datawf lock resolve'
      : 'Edit the file: keep what is right, delete the marker lines, git add it.',
    exit: EXIT.usage,
    place: placeAt(source, marker.index),
  });
}

/** The package's own reading of a text, for what the subset leaves to it. Throws as `parseYaml` does. */
export function readWithPackage(source: YamlSource): YamlNode | undefined {
  const findings = collectFindings(source);
  let root: YamlNode | undefined;
  try {
    refuseDepth(source.text);
    const yaml = loadYaml();
    const document = yaml.parseDocument(source.text, {
      schema: 'failsafe',
      uniqueKeys: false,
      prettyErrors: false,
    });
    const fault = document.errors[0] ?? document.warnings[0];
    if (fault !== undefined) {
      findings.add(fault.pos[0], wordsOf(fault), quotingHint(source.text, fault.pos[0]));
    }
    if (findings.list.length === 0 && document.contents !== null) {
      root = convert({ yaml, findings, anchors: new Map(), nodes: 0 }, document.contents);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    findings.add(0, 'the file is nested too deeply, or repeats itself too often, to be read');
  }
  if (findings.list.length > 0) throw problemOf(source.code, findings, source.cure);
  return root !== undefined && isNothing(root) ? undefined : root;
}

let loaded: typeof Yaml | undefined;

/** A plain value as YAML, for people and programs that aren't datawf. */
export function yamlText(value: unknown): string {
  return loadYaml().stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, version: '1.1' });
}

/** The `yaml` package, loaded on first use. */
export function loadYaml(): typeof Yaml {
  return (loaded ??= createRequire(import.meta.url)('yaml') as typeof Yaml);
}

function wordsOf(fault: Yaml.YAMLError): string {
  const message = fault.message.replace(/\s+/g, ' ').trim();
  return `this is not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}

interface Conversion {
  readonly yaml: typeof Yaml;
  readonly findings: Findings;
  /** Anchors so far; undefined while the anchored node is being read. */
  readonly anchors: Map<string, { node: YamlNode; nodes: number } | undefined>;
  /** Nodes so far, those behind aliases counted each time. */
  nodes: number;
}

const DEEPEST = 200;

/** The package recurses, and V8 may end the process where that reaches the end of the stack. */
function refuseDepth(text: string): void {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === 91 || unit === 123) depth += 1;
    else if ((unit === 93 || unit === 125) && depth > 0) depth -= 1;
    if (depth > DEEPEST) throw new RangeError('nested too deeply');
  }
  if (/(?:[-?:] +){200}/.test(text)) throw new RangeError('nested too deeply');
}

/** A file of the largest kind has some ten thousand nodes; aliases of aliases could name billions. */
const MOST_NODES = 1_000_000;

const NOTHING: YamlText = { kind: 'text', text: '', plain: true, at: 0, end: 0 };

function convert(context: Conversion, node: Yaml.ParsedNode | Yaml.Node | null): YamlNode {
  if (node === null) return NOTHING;
  if (context.yaml.isAlias(node)) return follow(context, node);
  const { anchors, findings } = context;
  const anchor = (node as { anchor?: string }).anchor;
  const before = context.nodes;
  if (anchor !== undefined) anchors.set(anchor, undefined);
  count(context, 1);
  if (node.tag !== undefined && !/^tag:yaml.org,2002:(str|map|seq)$/.test(node.tag)) {
    findings.add(startOf(node), `the tag ${node.tag} means nothing here`, 'Write the value without a tag.');
  }
  const converted = convertUnnamed(context, node);
  if (anchor !== undefined) anchors.set(anchor, { node: converted, nodes: context.nodes - before });
  return converted;
}

function convertUnnamed(context: Conversion, node: Yaml.Node): YamlNode {
  const { yaml, findings } = context;
  const [at, end] = [startOf(node), endOf(node)];
  if (yaml.isSeq(node)) {
    const items = node.items.map((item) => convert(context, item as Yaml.Node));
    return { kind: 'list', flow: node.flow === true, at, end, items };
  }
  if (yaml.isMap(node)) {
    return { kind: 'map', flow: node.flow === true, at, end, entries: convertEntries(context, node) };
  }
  const scalar = node as Yaml.Scalar;
  const text = typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? '');
  if (text.includes('\0') || !text.isWellFormed())
    findings.add(at, 'a text has a character in it that no file can hold');
  return { kind: 'text', text, plain: scalar.type === 'PLAIN', at, end };
}

function convertEntries(context: Conversion, map: Yaml.YAMLMap): YamlEntry[] {
  const { findings } = context;
  const entries = new Map<string, YamlEntry>();
  const merged: YamlNode[] = [];
  for (const pair of map.items) {
    const key = convert(context, pair.key as Yaml.Node | null);
    const value = convert(context, pair.value as Yaml.Node | null);
    const spot = value === NOTHING ? { ...NOTHING, at: key.end, end: key.end } : value;
    if (key.kind !== 'text') {
      findings.add(key.at, 'a name must be a text', quotingHint(findings.source.text, key.at));
    } else if (key.plain && key.text === '<<') {
      merged.push(...(value.kind === 'list' ? value.items : [value]));
    } else if (entries.has(key.text)) {
      findings.add(key.at, `${JSON.stringify(key.text)} is here twice`, 'Delete one of them.');
    } else {
      entries.set(key.text, { key, value: spot });
    }
  }
  for (const node of merged) {
    if (node.kind !== 'map') findings.add(node.at, '<< takes a map, such as *name of an anchored one');
    else
      for (const entry of node.entries) if (!entries.has(entry.key.text)) entries.set(entry.key.text, entry);
  }
  return [...entries.values()];
}

function follow(context: Conversion, alias: Yaml.Alias): YamlNode {
  const { anchors, findings } = context;
  const target = anchors.get(alias.source);
  if (target !== undefined) {
    count(context, target.nodes);
    return target.node;
  }
  const at = startOf(alias);
  const fact = anchors.has(alias.source)
    ? `*${alias.source} stands inside what it names`
    : `*${alias.source} names no anchor (&${alias.source}) above it`;
  findings.add(at, fact, quotingHint(findings.source.text, at) ?? 'A text that begins with * needs quotes.');
  return NOTHING;
}

function count(context: Conversion, nodes: number): void {
  context.nodes += nodes;
  if (context.nodes > MOST_NODES) throw new RangeError('too many nodes');
}

function startOf(node: Yaml.Node): number {
  return node.range?.[0] ?? 0;
}

function endOf(node: Yaml.Node): number {
  return node.range?.[1] ?? startOf(node);
}
