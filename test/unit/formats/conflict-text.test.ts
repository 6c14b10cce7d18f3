import fc from 'fast-check';
import { expect, test } from 'vitest';
import { conflictSides, conflictText, hasConflict } from '../../../src/formats/conflict-text.ts';

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd: 1', '  e'), { maxLength: 8 })
  .map((lines) => lines.map((line) => `${line}\n`).join(''));

test('a conflict has both texts in it, and gives them back', () => {
  fc.assert(
    fc.property(text, text, (ours, theirs) => {
      const both = conflictText(ours, theirs);
      expect(hasConflict(both)).toBe(true);
      expect(conflictSides(both)).toEqual({ ours, theirs });
    }),
  );
});

test('only what differs stands between the markers', () => {
  expect(conflictText('a\nb\nz\n', 'a\nc\nd\nz\n')).toBe(
    'a\n<<<<<<< ours\nb\n=======\nc\nd\n>>>>>>> theirs\nz\n',
  );
});

test('the common version that git may put between is left out', () => {
  expect(conflictSides('<<<<<<< HEAD\na\n||||||| 1234\nb\n=======\nc\n>>>>>>> other\n')).toEqual({
    ours: 'a\n',
    theirs: 'c\n',
  });
});

test('markers that do not fit together give nothing', () => {
  expect(conflictSides('<<<<<<< HEAD\na\n')).toBeUndefined();
  expect(conflictSides('a\n>>>>>>> other\n')).toBeUndefined();
});
