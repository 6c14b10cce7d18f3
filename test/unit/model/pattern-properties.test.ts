import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canMeet, matchPath, parsePattern, renderPath, type Pattern } from '../../../src/model/pattern.ts';
import { findReadings } from '../../../src/model/pattern-readings.ts';
import { labelOf, periodStart } from '../../../src/model/period.ts';
import { isSystemFile, pathFault } from '../../../src/model/repo-path.ts';
import { Problem } from '../../../src/model/problem.ts';
import { runs } from '../../rig/property.ts';

const FORMATS = ['%Y', '%Y-%m', '%Y%m%d', '%Y/%m/%d', 'y%Y/%j', '%G-W%V', '%Y-%m-%dT%H', '%Y%m%d%H%M%S'];
const text = fc.constantFrom('a', '-', '_', 'x.y', '.csv', '1', '20');
const capture = fc.constantFrom(
  '{p}',
  '{q}',
  '{r:2}',
  ...FORMATS.map((format, index) => `{t${index}:${format}}`),
);
const piece = fc.oneof({ weight: 3, arbitrary: text }, { weight: 3, arbitrary: capture }, fc.constant('*'));
const segment = fc.oneof(
  { weight: 8, arbitrary: fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join('')) },
  fc.constant('**'),
);
const source = fc
  .tuple(
    fc.constantFrom('d', 'd/e'),
    fc.array(segment, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', '', '/'),
  )
  .map(([home, segments, end]) => `${home}/${segments.join('/')}${end}`);
const patterns = source.map(tryParse).filter((pattern) => pattern !== undefined);
const value = fc.stringMatching(/^[ab.12_-]{1,3}$/);

function tryParse(written: string): Pattern | undefined {
  try {
    return parsePattern(written, '');
  } catch (error) {
    if (error instanceof Problem && error.code === 'bad-pattern') return undefined;
    throw error;
  }
}

/** A path that the pattern should match, with the values it was made of; wildcards become folders and texts. */
function pathOf(
  pattern: Pattern,
  texts: readonly string[],
  time: number,
): { path: string; values: Map<string, string> } {
  const values = new Map<string, string>();
  pattern.captures.forEach((name, index) => {
    const grain = pattern.times.get(name);
    const width = name === 'r' ? 'zz' : (texts[index % texts.length] ?? 'v');
    values.set(name, grain === undefined ? width : labelOf(periodStart(time, grain), grain));
  });
  let filler = 0;
  const open = pattern.tokens.map((token) => {
    if (token.kind === 'star') return { kind: 'text', text: texts[filler++ % texts.length] ?? '' } as const;
    return token.kind === 'folders' ? ({ kind: 'text', text: 'm/n/' } as const) : token;
  });
  const path = renderPath({ ...pattern, tokens: open }, values);
  return { path: pattern.shape === 'directory' ? `${path}/below/it` : path, values };
}

const inputs = fc.tuple(
  fc.array(value, { minLength: 3, maxLength: 3 }),
  fc.integer({ min: 0, max: 4e9 }).map((s) => s * 1000),
);

describe('patterns', () => {
  test('a rendered path reads back to its values, unless it has two readings', () => {
    let read = 0;
    fc.assert(
      fc.property(patterns, inputs, (pattern, [texts, time]) => {
        const { path, values } = pathOf(pattern, texts, time);
        fc.pre(pathFault(path) === undefined && !isSystemFile(path));
        try {
          const found = matchPath(pattern, path);
          expect(found).toEqual(values);
          read++;
        } catch (error) {
          expect(error).toMatchObject({ code: 'ambiguous-path' });
        }
      }),
      { numRuns: runs(700) },
    );
    expect(read).toBeGreaterThan(300);
  });

  test('the quick reading agrees with trying every split', () => {
    fc.assert(
      fc.property(patterns, patterns, inputs, (pattern, other, [texts, time]) => {
        for (const path of [pathOf(pattern, texts, time).path, pathOf(other, texts, time).path]) {
          fc.pre(pathFault(path) === undefined && !isSystemFile(path));
          if (!pattern.matcher.single) continue;
          const readings = findReadings(pattern, path);
          expect(readings.length).toBeLessThan(2);
          expect(pattern.matcher.match(path)).toEqual(readings[0]);
        }
      }),
      { numRuns: runs(700) },
    );
  });

  test('two patterns that match one path can meet', () => {
    fc.assert(
      fc.property(patterns, patterns, inputs, (a, b, [texts, time]) => {
        for (const path of [pathOf(a, texts, time).path, pathOf(b, texts, time).path]) {
          if (findReadings(a, path).length > 0 && findReadings(b, path).length > 0)
            expect(canMeet(a, b)).toBe(true);
        }
      }),
      { numRuns: runs(1500) },
    );
  });

  test('a pattern can meet itself', () => {
    fc.assert(fc.property(patterns, (pattern) => canMeet(pattern, pattern)));
  });

  test('parsing its normal form changes nothing', () => {
    fc.assert(
      fc.property(patterns, (pattern) => {
        expect(parsePattern(pattern.source, '').source).toBe(pattern.source);
      }),
    );
  });
});
