import { canonicalJson } from '../formats/canonical-json.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { Shift, Stage } from '../model/stage.ts';
import { digestHex } from '../util/blake3.ts';

/** Bumped when the meaning of a key changes, so that no old result is taken for a new one. */
const KEY_VERSION = 1;

/** What a stage's keys need besides its definition. */
export interface CodeFacts {
  /** Resolved values by name; null where `env: {A: }` has none. */
  readonly env: Readonly<Record<string, string | null>>;
  /** Value by param as declared (`file:key`). */
  readonly params: Readonly<Record<string, unknown>>;
  readonly code: readonly FileEntry[];
}

/** The readable half of a key that all datums of a stage share. */
export interface CodeHalf {
  readonly digest: Digest;
  /** Canonical JSON, kept as `keys/<digest>.json`. */
  readonly json: string;
}

/**
 * The code half: everything declared that is the same for all datums. Stage name, resources, retries, secrets and executor
 * aren't in it, so branches, renamed stages and reverts share results.
 */
export function codeHalf(stage: Stage, facts: CodeFacts): CodeHalf {
  const json = canonicalJson({
    version: KEY_VERSION,
    cwd: stage.base,
    cmd: stage.cmd,
    image: stage.image ?? null,
    sandbox: stage.sandbox,
    env: facts.env,
    params: facts.params,
    code: Object.fromEntries(facts.code.map((file) => [file.path, `${file.kind} ${file.digest}`])),
    deps: Object.fromEntries(
      stage.deps.map((dep) => [
        dep.name,
        {
          pattern: dep.pattern.source,
          optional: dep.optional,
          window: dep.window === undefined ? null : dep.window.map(shiftText),
          access: dep.access,
        },
      ]),
    ),
    outs: Object.fromEntries(
      stage.outs.map((out) => [out.name, { pattern: out.pattern.source, optional: out.optional }]),
    ),
  });
  return { json, digest: digestHex(json) as Digest };
}

function shiftText(shift: Shift): string {
  return `${shift.count}${shift.unit}`;
}

/**
 * Digest of the input half: canonical JSON of the captures and, per dep, the tree of the files this datum sees (null: none).
 * Both come sorted by name, so that the text is put together without sorting: 1 µs a datum.
 */
export function inputHalf(
  captures: ReadonlyMap<string, string>,
  deps: readonly (readonly [name: string, digest: string | null])[],
): Digest {
  return digestHex(`{"captures":${memberText([...captures])},"deps":${memberText(deps)}}`) as Digest;
}

function memberText(members: readonly (readonly [string, string | null])[]): string {
  return `{${members.map(([name, value]) => `"${name}":${value === null ? 'null' : JSON.stringify(value)}`).join(',')}}`;
}
