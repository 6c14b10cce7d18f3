import { parseDigest, type Digest } from '../model/digest.ts';
import { didYouMean } from '../util/suggest.ts';
import type { Findings } from './findings.ts';
import { quotingHint } from './yaml-hint.ts';
import { isNothing, kindOf, type YamlMap, type YamlNode } from './yaml-node.ts';

/**
 * A value of a tracked file on its way into the model. The readers below return what they were asked for, or undefined
 * where the field is absent or wrong; what is wrong goes to `findings`.
 */
export interface Field {
  readonly findings: Findings;
  readonly node: YamlNode;
  /** In words, for messages: `cmd of stage clean`. */
  readonly what: string;
}

/** Records what is wrong with a field; returns how much is wrong by now. */
export function reject(field: Field, message: string, hint?: string): number {
  field.findings.add(field.node.at, message, hint);
  return field.findings.list.length;
}

/** The map's fields by name; others than the known ones are refused with a "did you mean". */
export function fieldsOf(field: Field, known: readonly string[]): ReadonlyMap<string, Field> {
  const map = mapOf(field);
  const fields = new Map<string, Field>();
  for (const { key, value } of map?.entries ?? []) {
    if (known.includes(key.text)) {
      fields.set(key.text, { findings: field.findings, node: value, what: `${key.text} of ${field.what}` });
    } else {
      const hint = didYouMean(key.text, known) ?? `It takes ${known.join(', ')}.`;
      field.findings.add(key.at, `${field.what} has no field ${JSON.stringify(key.text)}`, hint);
    }
  }
  return fields;
}

/** One name of a map with its value. */
export interface NamedField {
  readonly name: string;
  /** Offset of the name. */
  readonly at: number;
  readonly value: Field;
}

/** The entries of a map whose names are free; none where the field is absent. */
export function entriesOf(field: Field | undefined): readonly NamedField[] {
  if (field === undefined) return [];
  const entries = mapOf(field)?.entries ?? [];
  return entries.map(({ key, value }) => ({
    name: key.text,
    at: key.at,
    value: { findings: field.findings, node: value, what: `${key.text} in ${field.what}` },
  }));
}

function mapOf(field: Field): YamlMap | undefined {
  if (field.node.kind === 'map') return field.node;
  return void reject(field, `${field.what} takes a map, not ${kindOf(field.node)}`, cureOfNothing(field));
}

/** A text that isn't empty. */
export function textOf(field: Field | undefined): string | undefined {
  if (field === undefined) return undefined;
  const { node } = field;
  if (node.kind === 'text' && node.text !== '' && !isNothing(node)) return node.text;
  if (node.kind === 'text' && !node.plain) return void reject(field, `${field.what} is empty`);
  const quote = node.kind === 'text' ? undefined : quotingHint(field.findings.source.text, node.at);
  return void reject(field, `${field.what} takes a text, not ${kindOf(node)}`, quote ?? cureOfNothing(field));
}

/** A list of texts; those that are wrong are left out. */
export function textsOf(field: Field | undefined): readonly string[] | undefined {
  return itemsOf(field)?.flatMap((item) => textOf(item) ?? []);
}

/** The items of a list. */
export function itemsOf(field: Field | undefined): readonly Field[] | undefined {
  if (field === undefined) return undefined;
  const { findings, node, what } = field;
  if (node.kind === 'list')
    return node.items.map((item) => ({ findings, node: item, what: `an item of ${what}` }));
  const cure = node.kind === 'text' && node.text !== '' ? `Write [${node.text}].` : cureOfNothing(field);
  return void reject(field, `${what} takes a list, not ${kindOf(node)}`, cure);
}

/** `true` or `false`, without quotes. */
export function flagOf(field: Field | undefined): boolean | undefined {
  if (field === undefined) return undefined;
  const { node } = field;
  if (node.kind === 'text' && node.plain && (node.text === 'true' || node.text === 'false'))
    return node.text === 'true';
  return void reject(field, `${field.what} takes true or false, not ${shown(field)}`, quotesToo(field));
}

/** A whole number of `least` or more, without quotes. */
export function wholeOf(field: Field | undefined, least: number): number | undefined {
  if (field === undefined) return undefined;
  const { node } = field;
  if (node.kind === 'text' && node.plain && /^(0|[1-9][0-9]{0,15})$/.test(node.text)) {
    const value = Number(node.text);
    if (value >= least && Number.isSafeInteger(value)) return value;
  }
  return void reject(
    field,
    `${field.what} takes a whole number from ${least}, not ${shown(field)}`,
    quotesToo(field),
  );
}

/** One of a few words. */
export function choiceOf<Word extends string>(
  field: Field | undefined,
  words: readonly Word[],
): Word | undefined {
  if (field === undefined) return undefined;
  const { node } = field;
  const word = words.find((candidate) => node.kind === 'text' && candidate === node.text);
  if (word !== undefined) return word;
  const hint = node.kind === 'text' ? didYouMean(node.text, words) : undefined;
  return void reject(field, `${field.what} takes ${words.join(' or ')}, not ${shown(field)}`, hint);
}

/** A text with a grammar of its own; `cure` shows one that is right. */
export function parsedOf<Value>(
  field: Field | undefined,
  parse: (text: string) => Value | undefined,
  cure: string,
): Value | undefined {
  if (field === undefined) return undefined;
  const value = field.node.kind === 'text' && !isNothing(field.node) ? parse(field.node.text) : undefined;
  if (value === undefined) reject(field, `${field.what} can't be ${shown(field)}`, cure);
  return value;
}

/** `version: 1` of a lock or pointer. */
export function checkVersion(whole: Field, version: Field | undefined): void {
  if (whole.node.kind !== 'map') return;
  if (version === undefined) reject(whole, `${whole.what} has no version`);
  else if (version.node.kind !== 'text' || version.node.text !== '1') {
    reject(version, `${version.what} isn't 1, the only one that this datawf knows`);
  }
}

/** A digest of a tracked file. */
export function digestOf(field: Field | undefined): Digest | undefined {
  return parsedOf(field, parseDigest, 'A digest has 64 of the digits 0-9 and a-f.');
}

/** A field that must be there. */
export function required(whole: Field, fields: ReadonlyMap<string, Field>, name: string): Field | undefined {
  const field = fields.get(name);
  if (field === undefined && whole.node.kind === 'map') reject(whole, `${whole.what} has no ${name}`);
  return field;
}

function shown({ node }: Field): string {
  return node.kind === 'text' && !isNothing(node) ? JSON.stringify(node.text) : kindOf(node);
}

function quotesToo({ node }: Field): string | undefined {
  return node.kind === 'text' && !node.plain ? 'Write it without quotes.' : undefined;
}

function cureOfNothing({ node }: Field): string | undefined {
  return isNothing(node) ? 'Give it a value, or delete the line.' : undefined;
}
