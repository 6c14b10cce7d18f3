import { parseDigest, type Digest } from '../model/digest.ts';
import { EXIT, Problem } from '../model/problem.ts';

/**
 * A JSON object from a store, a socket or an environment, read field by field: each method answers what it is named for or
 * throws a Problem `bad-message` (exit 7) that names the field. Fields that nobody asks for are passed over.
 */
export class JsonReader {
  readonly #fields: Readonly<Record<string, unknown>>;
  /** How messages name it: `plan.json`. */
  readonly what: string;

  constructor(value: unknown, what: string) {
    this.what = what;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw badMessage(what, 'is no object');
    this.#fields = value as Readonly<Record<string, unknown>>;
  }

  static parse(text: string, what: string): JsonReader {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw badMessage(what, 'is no JSON');
    }
    return new JsonReader(value, what);
  }

  /** A Problem about one of its fields. */
  bad(name: string, fault: string): Problem {
    return badMessage(`${this.what}: ${name}`, fault);
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  text(name: string): string {
    const value = this.#get(name);
    if (typeof value !== 'string') throw this.bad(name, 'is no text');
    return value;
  }

  /** A text that fits a pattern. */
  match(name: string, pattern: RegExp): string {
    const text = this.text(name);
    if (!pattern.test(text)) throw this.bad(name, `can't be ${JSON.stringify(text.slice(0, 80))}`);
    return text;
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  oneOf<Text extends string>(name: string, texts: readonly Text[]): Text {
    const text = this.text(name);
    const found = texts.find((one) => one === text);
    if (found === undefined) throw this.bad(name, `is none of ${texts.join(', ')}`);
    return found;
  }

  /** A finite number that isn't negative. */
  amount(name: string): number {
    const value = this.#get(name);
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw this.bad(name, 'is no amount');
    return value;
  }

  optionalAmount(name: string): number | undefined {
    return this.has(name) ? this.amount(name) : undefined;
  }

  /** A whole number from `least` on. */
  count(name: string, least = 0): number {
    const value = this.amount(name);
    if (!Number.isSafeInteger(value) || value < least)
      throw this.bad(name, `is no whole number from ${least} on`);
    return value;
  }

  flag(name: string): boolean {
    const value = this.#get(name);
    if (typeof value !== 'boolean') throw this.bad(name, 'is neither true nor false');
    return value;
  }

  digest(name: string): Digest {
    const digest = parseDigest(this.text(name));
    if (digest === undefined) throw this.bad(name, 'is no digest');
    return digest;
  }

  object(name: string): JsonReader {
    return new JsonReader(this.#get(name), `${this.what}: ${name}`);
  }

  /** A text or a list of texts. */
  textOrTexts(name: string): string | readonly string[] {
    return Array.isArray(this.#get(name)) ? this.texts(name) : this.text(name);
  }

  /** The items of a list, as they are. */
  list(name: string): readonly unknown[] {
    const value = this.#get(name);
    if (!Array.isArray(value)) throw this.bad(name, 'is no list');
    return value as readonly unknown[];
  }

  texts(name: string): readonly string[] {
    return this.list(name).map((item) => {
      if (typeof item !== 'string') throw this.bad(name, 'has an item that is no text');
      return item;
    });
  }

  /** The items of a list of objects. */
  objects(name: string): readonly JsonReader[] {
    return this.list(name).map((item, index) => new JsonReader(item, `${this.what}: ${name}[${index}]`));
  }

  /** Names to texts. */
  textMap(name: string): Readonly<Record<string, string>> {
    const map = this.object(name);
    return Object.fromEntries(Object.keys(map.#fields).map((key) => [key, map.text(key)]));
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? (this.#fields[name] ?? undefined) : undefined;
  }
}

function badMessage(what: string, fault: string): Problem {
  return new Problem({
    code: 'bad-message',
    message: `${what} ${fault}`,
    hint: 'Another version of datawf wrote it, or it is damaged: run the command again.',
    exit: EXIT.integrity,
  });
}
