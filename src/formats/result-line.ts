import { isDigest, type Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { dataFault } from '../model/repo-path.ts';
import type { ResultRecord } from '../model/result.ts';

/** A result as a segment's line, without a newline: `input` and `result` first, so that both lie at fixed places. */
export function formatResultLine(record: ResultRecord): string {
  const { input, result, outs, made, run, seconds, deps } = record;
  const rows = outs.map((out) => [out.kind, out.digest, out.size, out.path]);
  return JSON.stringify({
    input,
    result,
    outs: rows,
    made,
    run,
    seconds,
    ...(deps === undefined ? {} : { deps }),
  });
}

/** Reads a segment's line; fields that this version doesn't know are passed over. Undefined where it isn't one. */
export function parseResultLine(line: string): ResultRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { input, result, run, seconds } = value;
  const outs = parseOuts(value.outs);
  const made = parseMade(value.made);
  const deps = parseDeps(value.deps);
  if (!isText(input) || !isDigest(input) || !isText(result) || !isDigest(result)) return undefined;
  if (outs === undefined || made === undefined || deps === undefined || !isText(run)) return undefined;
  if (typeof seconds !== 'number') return undefined;
  return { input, result, outs, made, run, seconds, ...(value.deps === undefined ? {} : { deps }) };
}

const HEAD = /^\{"input":"([0-9a-f]{64})","result":"([0-9a-f]{64})",/;

/** Input and result of a line without reading the rest, for the many lines that nobody asks for. */
export function peekResultLine(
  line: string,
): { readonly input: Digest; readonly result: Digest } | undefined {
  const [, input = '', result = ''] = HEAD.exec(line) ?? [];
  if (isDigest(input) && isDigest(result) && line.endsWith('}')) return { input, result };
  return parseResultLine(line);
}

function parseOuts(value: unknown): FileEntry[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const outs: FileEntry[] = [];
  for (const row of value as readonly unknown[]) {
    if (!Array.isArray(row)) return undefined;
    const [kind, digest, size, path] = row as readonly unknown[];
    if (kind !== 'f' && kind !== 'x' && kind !== 'l') return undefined;
    if (!isText(digest) || !isDigest(digest) || !isText(path) || dataFault(path) !== undefined)
      return undefined;
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
    outs.push({ path, kind, digest, size });
  }
  return outs;
}

function parseMade(value: unknown): ResultRecord['made'] | undefined {
  if (!isObject(value) || typeof value.sandbox !== 'boolean') return undefined;
  const { host, image, sandbox, scope } = value;
  return {
    ...(isText(host) ? { host } : {}),
    ...(isText(image) ? { image } : {}),
    sandbox,
    ...(isText(scope) ? { scope } : {}),
  };
}

function parseDeps(value: unknown): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return {};
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value).filter((entry): entry is [string, string] => isText(entry[1]));
  return Object.fromEntries(entries);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
