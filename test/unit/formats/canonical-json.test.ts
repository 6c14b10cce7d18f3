import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../../src/formats/canonical-json.ts';

describe('canonical JSON', () => {
  test('sorts keys by their UTF-8 bytes and has no spaces', () => {
    expect(canonicalJson({ b: [1, 'x', null, true], a: { '\u{1f600}': 1, '\uffee': 2, é: 3, z: 4 } })).toBe(
      '{"a":{"z":4,"é":3,"\uffee":2,"\u{1f600}":1},"b":[1,"x",null,true]}',
    );
  });

  test('leaves out what is undefined', () => {
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });

  test('is the same value to JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('is one text for one value, whatever the order of its keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (value) => {
        const backwards = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(backwards)).toBe(canonicalJson(value));
      }),
    );
  });

  test('refuses what JSON cannot hold', () => {
    for (const value of [NaN, Infinity, undefined, 1n, () => 1, Symbol('x')]) {
      expect(() => canonicalJson(value)).toThrow(TypeError);
    }
  });
});
