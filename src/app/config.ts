import { existsSync, readFileSync } from 'node:fs';
import { writeAtomic } from '../disk/atomic-file.ts';
import { parseConfigFile } from '../formats/config-file.ts';
import { parseYaml } from '../formats/yaml-document.ts';
import { editYaml } from '../formats/yaml-edit.ts';
import { toPlain, type PlainValue } from '../formats/yaml-node.ts';
import { DEFAULT_LINKS } from '../model/config.ts';
import { invalid, notFound } from '../model/problem.ts';
import type { ConfigEntry, ConfigLevel } from '../model/setup-report.ts';
import { didYouMean } from '../util/suggest.ts';
import { ignorePath } from '../workspace/git-ignore.ts';

/** Absolute paths of the files that configuration comes from, weakest first. */
export type ConfigFiles = Readonly<Record<'project' | 'user' | 'local', string>>;

type FileLevel = keyof ConfigFiles;

const DEFAULTS: Readonly<Record<string, PlainValue>> = { 'cache.links': DEFAULT_LINKS, color: 'auto' };
/** Keys whose values are lists, by their last name. */
const LISTS = new Set(['links', 'branches', 'read']);
const KNOWN = ['jobs', 'color', 'cache.dir', 'cache.links', 'limits', 'stores', 'environments'];

/** The value of a key that counts, or what one file says. Throws `not-configured` (exit 4). */
export function getConfig(request: {
  readonly files: ConfigFiles;
  readonly key: string;
  readonly level: FileLevel | undefined;
}): ConfigEntry {
  const { files, key, level } = request;
  const entries = listConfig({ files, level });
  const one = entries.find((entry) => entry.key === key);
  if (one !== undefined) return one;
  const below = entries.filter((entry) => entry.key.startsWith(`${key}.`));
  const strongest = below.at(-1);
  if (strongest !== undefined) {
    return {
      key,
      value: Object.fromEntries(below.map((entry) => [entry.key.slice(key.length + 1), entry.value])),
      level: strongest.level,
    };
  }
  const hint = didYouMean(key, [...KNOWN, ...entries.map((entry) => entry.key)]) ?? 'See: datawf config list';
  throw notFound('not-configured', `"${key}" is not configured`, hint);
}

/** Every value that counts and where it is from, sorted by key; with a level only what that file says. */
export function listConfig(request: {
  readonly files: ConfigFiles;
  readonly level: FileLevel | undefined;
}): readonly ConfigEntry[] {
  const levels: readonly FileLevel[] =
    request.level === undefined ? ['project', 'user', 'local'] : [request.level];
  const entries = new Map<string, ConfigEntry>();
  if (request.level === undefined) {
    for (const [key, value] of Object.entries(DEFAULTS)) entries.set(key, { key, value, level: 'default' });
  }
  for (const level of levels) {
    for (const [key, value] of leaves('', readPlain(request.files[level])))
      entries.set(key, { key, value, level });
  }
  return [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Writes a value into one of the files; refuses what the file may not say. Lists are typed with commas. */
export function setConfig(request: {
  readonly files: ConfigFiles;
  readonly key: string;
  readonly level: FileLevel;
  readonly value: string;
  /** Top of the work tree. */
  readonly root: string;
  readonly dryRun: boolean;
}): ConfigEntry & { readonly level: ConfigLevel } {
  const { files, key, level, root, dryRun } = request;
  const [first = '', ...rest] = key.split('.');
  if (first === '' || rest.includes(''))
    throw invalid('bad-key', `"${key}" is no key`, 'Write names with dots between them: cache.links');
  const value = valueOf(key, request.value);
  const file = files[level];
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const edited = editYaml({ text, file, code: 'invalid-config' }, { path: [first, ...rest], value });
  parseConfigFile(edited, file);
  if (!dryRun && edited !== text) {
    writeAtomic(file, edited);
    if (level === 'local') ignorePath(root, '.datawf/local.yaml');
  }
  return { key, value, level };
}

function valueOf(key: string, text: string): PlainValue {
  const last = key.split('.').at(-1) ?? '';
  if (LISTS.has(last)) return text === '' ? [] : text.split(',').map((item) => item.trim());
  if (/^(0|[1-9][0-9]{0,14})$/.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  return text;
}

function readPlain(file: string): PlainValue {
  if (!existsSync(file)) return {};
  const text = readFileSync(file, 'utf8');
  parseConfigFile(text, file);
  const root = parseYaml({ text, file, code: 'invalid-config' });
  return root === undefined ? {} : toPlain(root);
}

/** Values with the dotted names of their keys; a list is one value. */
function* leaves(lead: string, value: PlainValue): Iterable<readonly [string, PlainValue]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    yield [lead, value];
    return;
  }
  for (const [name, inner] of Object.entries(value))
    yield* leaves(lead === '' ? name : `${lead}.${name}`, inner);
}
