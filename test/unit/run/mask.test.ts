import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMask } from '../../../src/run/mask.ts';
import { runs } from '../../rig/property.ts';

function streamed(values: readonly string[], pieces: readonly string[]): string {
  const stream = createMask(values).stream();
  return pieces.map((piece) => stream.write(piece)).join('') + stream.end();
}

describe('a mask', () => {
  it('hides every occurrence of every value', () => {
    expect(createMask(['abc', 'x.y']).text('abc x.y xzy abcabc')).toBe('*** *** xzy ******');
  });

  it('hides a value that begins with another whole', () => {
    expect(createMask(['abc', 'abcdef']).text('abcdef abc')).toBe('*** ***');
  });

  it('hides a value without the white space around it, and long lines of one with several', () => {
    expect(createMask(['secret\n']).text('secret!')).toBe('***!');
    expect(createMask(['-----BEGIN-----\nab\nMIIEvQIBADAN']).text('key: MIIEvQIBADAN, ab')).toBe(
      'key: ***, ab',
    );
  });

  it('changes nothing without values, and an empty one hides nothing', () => {
    expect(createMask([]).text('text')).toBe('text');
    expect(createMask(['']).text('text')).toBe('text');
  });

  it('hides a value across the borders of pieces', () => {
    expect(streamed(['hush-hush'], ['say hu', 'sh-hu', 'sh!'])).toBe('say ***!');
    expect(streamed(['abc', 'abcdef'], ['abc', 'def'])).toBe('***');
    expect(streamed(['aXa'], ['.aX', 'a'])).toBe('.***');
    expect(streamed(['b', 'abb'], ['ab', 'b'])).toBe('***');
  });

  it('holds back only what may begin a value', () => {
    expect(createMask(['secret']).stream().write('plain text')).toBe('plain text');
    expect(createMask(['secret']).stream().write('it is: sec')).toBe('it is: ');
  });

  it('gives the same text however it is cut', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 0, maxLength: 30 });
    const value = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(letters, { maxLength: 6 }),
        fc.array(value, { maxLength: 3 }),
        (pieces, values) => {
          expect(streamed(values, pieces)).toBe(createMask(values).text(pieces.join('')));
        },
      ),
      { numRuns: runs(1000) },
    );
  });
});
