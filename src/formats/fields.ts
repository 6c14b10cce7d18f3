import { didYouMean } from '../util/suggest.ts';
import type { Findings } from './findings.ts';
import { quotingHint } from './yaml-hint.ts';
import { isNothing, kindOf, type YamlEntry, type YamlMap, type YamlNode } from './yaml-node.ts';

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

/** Records what is wrong with a field. */
export function reject(field: Field, message: string, hint?: string): undefined {
  field.findings.add(field.node.at, message, hint);
  return undefined;
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

/** The entries of a map of names; `{}` for none. */
export function entriesOf(field: Field | undefined): readonly YamlEntry[] {
  return (field === undefined ? undefined : mapOf(field))?.entries ?? [];
}

/** One entry of a map as a field of its own. */
export function entryField(field: Field, { key, value }: YamlEntry): Field {
  return { findings: field.findings, node: value, what: `${key.text} in ${field.what}` };
}

function mapOf(field: Field): YamlMap | undefined {
  if (field.node.kind === 'map') return field.node;
  return reject(field, `${field.what} takes a map, not ${kindOf(field.node)}`, cureOfNothing(field));
}

/** A text that isn't empty. */
export function textOf(field: Field | undefined): string | undefined {
  if (field === undefined) return undefined;
  const { node } = field;
  if (node.kind === 'text' && node.text !== '' && !isNothing(node)) return node.text;
  if (node.kind === 'text' && !node.plain) return reject(field, `${field.what} is empty`);
  const quote = node.kind === 'text' ? undefined : quotingHint(field.findings.source.text, node.at);
  return reject(field, `${field.what} takes a text, not ${kindOf(node)}`, quote ?? cureOfNothing(field));
}

/** A list of texts, none of them absent. */
export function textsOf(field: Field | undefined): readonly string[] | undefined {
  const items = itemsOf(field);
  if (field === undefined || items === undefined) return undefined;
  return items.flatMap((node) => textOf({ ...field, node, what: `an item of ${field.what}` }) ?? []);
}

/** The nodes of a list. */
export function itemsOf(field: Field | undefined): readonly YamlNode[] | undefined {
  if (field === undefined) return undefined;
  if (field.node.kind === 'list') return field.node.items;
  const { node } = field;
  const cure = node.kind === 'text' && node.text !== '' ? `Write [${node.text}].` : cureOfNothing(field);
  return reject(field, `${field.what} takes a list, not ${kindOf(node)}`, cure);
}

/** `true` or `false`, without quotes. */
export function flagOf(field: Field | undefined): boolean | undefined {
  if (field === undefined) return undefined;
  const { node } = field;
  if (node.kind === 'text' && node.plain && (node.text === 'true' || node.text === 'false'))
    return node.text === 'true';
  return reject(field, `${field.what} takes true or false, not ${shown(field)}`, quotesToo(field));
}

/** A whole number of `least` or more, without quotes. */
export function wholeOf(field: Field | undefined, least: number): number | undefined {
  if (field === undefined) return undefined;
  const { node } = field;
  if (node.kind === 'text' && node.plain && /^(0|[1-9][0-9]{0,15})$/.test(node.text)) {
    const value = Number(node.text);
    if (value >= least && Number.isSafeInteger(value)) return value;
  }
  return reject(
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
  return reject(field, `${field.what} takes ${words.join(' or ')}, not ${shown(field)}`, hint);
}

/** A text with a grammar of its own; `cure` shows one that is right. */
export function parsedOf<Value>(
  field: Field | undefined,
  parse: (text: string) => Value | undefined,
  cure: string,
): Value | undefined {
  if (field === undefined) return undefined;
  const value = field.node.kind === 'text' && !isNothing(field.node) ? parse(field.node.text) : undefined;
  return value ?? reject(field, `${field.what} can't be ${shown(field)}`, cure);
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
