import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatLockFile, parseLockFile } from '../../../src/formats/lock-file.ts';
import { STAGE_FIELDS } from '../../../src/formats/pipeline-stage.ts';
import { formatPointerFile, parsePointerFile } from '../../../src/formats/pointer-file.ts';
import { parseResultLine } from '../../../src/formats/result-line.ts';
import { repoPath } from '../../../src/model/repo-path.ts';
import { digest } from './texts.ts';

const ROOT = new URL('../../../', import.meta.url);
const DOCS = readFileSync(new URL('docs/formats.md', ROOT), 'utf8');

/** The example of a kind that holds a text, its digests written out. */
function example(language: string, part: string): string {
  const blocks = [...DOCS.matchAll(/```(\w*)\n([^]*?)```/g)];
  const block = blocks.find(([, kind, text]) => kind === language && text?.includes(part) === true);
  return (block?.[2] ?? '').replace(/\b([0-9a-f]{2})[0-9a-f]{2}…/g, (_, pair: string) =>
    digest(pair.replace(/\d/, 'c')),
  );
}

test('the formats name every schema', () => {
  for (const file of readdirSync(new URL('schemas/', ROOT))) {
    expect(DOCS).toContain(`\`${file.replace('.schema.json', '')}\``);
  }
});

test('the formats name every field of a stage', () => {
  for (const field of STAGE_FIELDS) expect(DOCS).toContain(`\`${field}\``);
});

test("the formats' lock is what datawf writes", () => {
  const text = example('yaml', 'datums:');
  expect(formatLockFile(parseLockFile(text, 'datawf.lock'))).toBe(text);
});

test("the formats' pointer is what datawf writes", () => {
  const text = example('yaml', 'path: raw');
  const file = repoPath('data/raw.datawf');
  expect(formatPointerFile(parsePointerFile(text, file), file)).toBe(text);
});

test("the formats' result is one", () => {
  const line = example('json', '"outs"')
    .trim()
    .replace(/"(…|64hex)"/g, `"${digest('ab')}"`);
  expect(parseResultLine(line)).toBeDefined();
});
