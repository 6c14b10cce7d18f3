import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { slug } from '../../../src/model/slug.ts';

describe('a slug', () => {
  test('of a safe name is the name', () => {
    for (const name of ['main', 'feature-1', 'a', '2024']) expect(slug(name)).toBe(name);
  });

  test('of any other ends in eight digits of its digest', () => {
    expect(slug('feature/New Thing')).toMatch(/^feature-new-thing-[0-9a-f]{8}$/);
    expect(slug('Main')).toMatch(/^main-[0-9a-f]{8}$/);
    expect(slug('ünïcode')).toMatch(/^n-code-[0-9a-f]{8}$/);
    expect(slug('日本')).toMatch(/^[0-9a-f]{8}$/);
    expect(slug('a'.repeat(60))).toMatch(/^a{31}-[0-9a-f]{8}$/);
  });

  test('is safe in a prefix and a Kubernetes name', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (name) => {
        expect(slug(name)).toMatch(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/);
      }),
    );
  });

  test('differs where names differ only in case or in what is left out', () => {
    expect(new Set(['a/b', 'a-b', 'A-b', 'a_b', 'a--b'].map(slug)).size).toBe(5);
  });
});
