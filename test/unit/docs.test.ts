import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { TABLE } from '../../src/cli/commands/table.ts';
import { rootHelp } from '../../src/cli/help.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = ['README.md', 'CHANGELOG.md', ...markdownBelow('docs')];
const COMMANDS = [...rootHelp().matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2,}\S/gm)]
  .map(([, name = '']) => name)
  .filter((name) => !name.startsWith('datawf'));

describe.each(PAGES)('%s', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const prose = text.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '');

  test('links to files and headings that are there', () => {
    const dead = [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(page, target));
    expect(dead).toEqual([]);
  });

  test('names files of the source that are there', () => {
    const named = [...text.matchAll(/`((?:src|test|schemas|fixtures|\.ci)\/[\w./-]+)`/g)].map(
      ([, path = '']) => path,
    );
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe('docs/commands.md', () => {
  const text = readFileSync(join(ROOT, 'docs/commands.md'), 'utf8');
  const described = [...text.matchAll(/^### datawf (.+)$/gm)].map(([, name]) => name);

  test('describes the commands that the help lists, in its order, and no others', () => {
    expect(COMMANDS.length).toBeGreaterThan(20);
    expect(described).toEqual(COMMANDS);
  });

  test('the help lists every command', () => {
    expect(COMMANDS).toEqual(TABLE.map((entry) => entry.name));
  });
});

describe('schemas', () => {
  const there = readdirSync(join(ROOT, 'schemas')).map((file) => file.replace('.schema.json', ''));
  const formats = readFileSync(join(ROOT, 'docs/formats.md'), 'utf8');
  const named = new Set([...inProse(formats, /schema `([a-z-]+)`/gi), ...schemaColumns(formats)]);

  test('docs/formats.md names those that are there', () => {
    expect([...named].sort()).toEqual(there.sort());
  });

  test('docs/commands.md names schemas that are there', () => {
    const commands = readFileSync(join(ROOT, 'docs/commands.md'), 'utf8');
    const answers = inProse(commands, /JSON: `([a-z-]+)`\./g);
    expect(answers.length).toBeGreaterThan(10);
    expect(answers.filter((name) => !there.includes(name))).toEqual([]);
  });
});

function inProse(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name = '']) => name);
}

/** Names in the columns that are headed `schema`. */
function schemaColumns(text: string): string[] {
  return (text.match(/(?:^\|.*\n?)+/gm) ?? []).flatMap((table) => {
    const rows = table
      .trimEnd()
      .split('\n')
      .map((row) =>
        row
          .replaceAll('\\|', '')
          .split('|')
          .map((cell) => cell.trim()),
      );
    const column = rows[0]?.indexOf('schema') ?? -1;
    return column < 0 ? [] : rows.slice(2).flatMap((row) => inProse(row[column] ?? '', /`([a-z-]+)`/g));
  });
}

function markdownBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
    .sort();
}

/** Whether a relative link's file is there and has the heading that its fragment names. */
function leadsSomewhere(page: string, target: string): boolean {
  const [path = '', fragment] = target.split('#');
  const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
  if (relative(ROOT, file).startsWith('..') || !existsSync(file)) return false;
  return fragment === undefined || headingsOf(file).includes(fragment);
}

/** The fragments of a page's headings, as hosts of Markdown make them. */
function headingsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
