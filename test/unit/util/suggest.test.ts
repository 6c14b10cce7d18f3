import { describe, expect, test } from 'vitest';
import { didYouMean, suggest } from '../../../src/util/suggest.ts';

describe('a mistyped word', () => {
  const known = ['clean', 'fetch', 'smooth', 'monthly', 'report', 'on_code_change', 'cmd'];

  test.each([
    ['claen', 'clean'],
    ['Clean', 'clean'],
    ['cleen', 'clean'],
    ['fech', 'fetch'],
    ['fetchh', 'fetch'],
    ['on-code-change', 'on_code_change'],
    ['cdm', 'cmd'],
    ['mon', 'monthly'],
    ['on_', 'on_code_change'],
  ])('%s is taken for %s', (word, near) => {
    expect(suggest(word, known)).toBe(near);
  });

  test('that is like none is taken for none', () => {
    for (const word of ['xyz', 'q', '', 'dogs']) expect(suggest(word, known), word).toBeUndefined();
    expect(didYouMean('dogs', known)).toBeUndefined();
  });

  test('is answered with a question', () => {
    expect(didYouMean('claen', known)).toBe('Did you mean "clean"?');
  });
});
