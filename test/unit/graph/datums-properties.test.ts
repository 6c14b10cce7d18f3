import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveDatums, type DatumSet } from '../../../src/graph/datums.ts';
import { rolesOf } from '../../../src/graph/stage-roles.ts';
import { checkStage } from '../../../src/graph/check-stage.ts';
import { matchPath } from '../../../src/model/pattern.ts';
import { parseLabel } from '../../../src/model/period.ts';
import { compareBytes } from '../../../src/model/repo-path.ts';
import type { Stage } from '../../../src/model/stage.ts';
import { runs } from '../../rig/property.ts';
import { stageOf, type DepText, type MatrixText } from './stage-of.ts';

const CLOCK = { now: Date.UTC(2024, 0, 5), zone: 'UTC' };
const PATTERNS = [
  '{x}',
  '{x}/{t:%Y-%m-%d}',
  '{t:%Y-%m-%d}',
  '{t:%Y-%m}',
  '{x}-{t:%Y-%m}',
  '*/{t:%Y-%m-%d}',
  '{x}/',
  '{y}',
  '{y}/{x}',
  '**',
];
const OUTS = ['{x}', '{t:%Y-%m-%d}', '{t:%Y-%m}', '{x}/{t:%Y-%m}', '{x}/{t:%Y-%m-%d}', '{x}/{y}', 'all'];

const day = fc.constantFrom('2024-01-01', '2024-01-02', '2024-02-01', '2024-02-30');
const month = fc.constantFrom('2024-01', '2024-02', '2024-03');
const name = fc.constantFrom('a', 'b', 'c');
const file = fc.oneof(
  name,
  day,
  month,
  fc.tuple(name, day).map((parts) => parts.join('/')),
  fc.tuple(name, name).map((parts) => parts.join('/')),
  fc.tuple(name, month).map((parts) => parts.join('-')),
);
const files = fc.uniqueArray(file, { maxLength: 12 });

interface Case {
  readonly stage: Stage;
  readonly candidates: readonly (readonly string[])[];
}

const matrices = fc.option(
  fc.record<Record<string, MatrixText>>(
    {
      x: fc.constantFrom<MatrixText>(['a'], ['a', 'b']),
      t: fc.constantFrom<MatrixText>(['2024-01'], ['2024-01-01', '2024-02-01'], {
        since: '2024-01-01',
        until: '2024-01-04',
        every: '1d',
      }),
    },
    { requiredKeys: [] },
  ),
  { nil: {} },
);

/** Patterns whose captures the stage knows, so that few cases have to be thrown away. */
function fitting(known: string): string[] {
  const names = (text: string): string[] => [...text.matchAll(/\{(\w)/g)].map((found) => found[1] ?? '');
  return PATTERNS.filter((pattern) => names(pattern).every((key) => names(known).includes(key)));
}

const cases: fc.Arbitrary<Case> = fc
  .tuple(fc.constantFrom(...OUTS), fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, matrices))
  .chain(([out, matrix]) => {
    const known = `${out}${Object.keys(matrix)
      .map((key) => `{${key}`)
      .join('')}`;
    const dep = fc.record({
      pattern: fc.constantFrom(...fitting(known)),
      optional: fc.boolean(),
      window: fc.boolean(),
      files,
    });
    return fc.record({
      deps: fc.array(dep, { minLength: 1, maxLength: 3 }),
      out: fc.constant(out),
      matrix: fc.constant(matrix),
    });
  })
  .map(({ deps, out, matrix }) => {
    const texts: Record<string, DepText> = {};
    deps.forEach(({ pattern, optional, window }, index) => {
      const moves = window && pattern.includes('%') && out.includes('%');
      const shifts = moves ? { window: ['-1d', '0d'] as const } : {};
      texts[`d${index}`] = { path: `d${index}/${pattern}`, optional, ...shifts };
    });
    return {
      stage: stageOf({ deps: texts, outs: { o: `o/${out}` }, matrix }),
      candidates: deps.map((dep, index) => dep.files.map((path) => `d${index}/${path}`).sort(compareBytes)),
    };
  })
  .filter(({ stage }) => checkStage(stage).length === 0);

const ids = (set: DatumSet): string[] => set.datums.map(({ id }) => id);
const usageOf = (set: DatumSet): unknown =>
  [...set.usage]
    .map(([dep, usage]) => ({ dep, ...usage, unpairedWith: [...usage.unpairedWith].sort(compareBytes) }))
    .sort((a, b) => compareBytes(a.dep, b.dep));
const isPlain = ({ stage }: Case): boolean =>
  stage.matrix.size === 0 && stage.deps.every(({ window }) => window === undefined);

/** Whether values agree: equal texts, or times of which one period holds the other. */
function agree(key: string, a: string, b: string): boolean {
  if (key !== 't') return a === b;
  const [p, q] = [parseLabel(a), parseLabel(b)];
  if (p === undefined || q === undefined) return false;
  return (p.start <= q.start && q.end <= p.end) || (q.start <= p.start && p.end <= q.end);
}

/** Rule 2 said the slow way: try every assignment, look at every file. */
function existing({ stage, candidates }: Case): string[] {
  const { datum, deps, anySuffices } = rolesOf(stage);
  const read = deps.map(({ dep, index }) =>
    (candidates[index] ?? []).flatMap((path) => matchPath(dep.pattern, path) ?? []),
  );
  const labels = read.flat().flatMap((values) => values.get('t') ?? []);
  let assignments: Map<string, string>[] = [new Map()];
  for (const { name: key, grain } of datum) {
    const length = grain === 'month' ? 7 : 10;
    const values =
      grain === undefined
        ? new Set(read.flat().flatMap((found) => found.get(key) ?? []))
        : new Set(labels.filter((label) => label.length >= length).map((label) => label.slice(0, length)));
    assignments = assignments.flatMap((known) =>
      [...values].map((value) => new Map([...known, [key, value]])),
    );
  }
  const has = (index: number, datumValues: ReadonlyMap<string, string>): boolean =>
    (read[index] ?? []).some((values) =>
      [...values].every(([key, value]) => agree(key, value, datumValues.get(key) ?? '')),
    );
  return assignments
    .filter((values) => deps.every(({ dep, index }) => dep.optional || has(index, values)))
    .filter(
      (values) =>
        !anySuffices ||
        deps.some(
          ({ binding, shared, index }) => binding && shared.length === datum.length && has(index, values),
        ),
    )
    .map((values) =>
      values.size === 0 ? '-' : [...values].map(([key, value]) => `${key}=${value}`).join('&'),
    )
    .sort(compareBytes);
}

describe('datums', () => {
  test('exist where every required dep has a file, tried the slow way', () => {
    let compared = 0;
    fc.assert(
      fc.property(cases.filter(isPlain), (each) => {
        const { datum, deps, anySuffices } = rolesOf(each.stage);
        fc.pre(!anySuffices || deps.some(({ binding, shared }) => binding && shared.length === datum.length));
        expect(ids(deriveDatums(each.stage, each.candidates, CLOCK))).toEqual(existing(each));
        compared++;
      }),
      { numRuns: runs(400) },
    );
    expect(compared).toBeGreaterThan(200);
  });

  test('see exactly the files that agree with them', () => {
    fc.assert(
      fc.property(cases.filter(isPlain), ({ stage, candidates }) => {
        const set = deriveDatums(stage, candidates, CLOCK);
        for (const { captures, files: seen } of set.datums) {
          stage.deps.forEach(({ pattern }, index) => {
            const expected = (candidates[index] ?? []).flatMap((path, at) => {
              const values = matchPath(pattern, path);
              const fits =
                values !== undefined &&
                [...values].every(([key, value]) => agree(key, value, captures.get(key) ?? ''));
              return fits ? [at] : [];
            });
            expect(seen[index] ?? set.broadcast.get(index)).toEqual(expected);
          });
        }
      }),
      { numRuns: runs(300) },
    );
  });

  test('do not depend on the order of the deps', () => {
    fc.assert(
      fc.property(cases, ({ stage, candidates }) => {
        const turned = { ...stage, deps: [...stage.deps].reverse() };
        const [set, other] = [
          deriveDatums(stage, candidates, CLOCK),
          deriveDatums(turned, [...candidates].reverse(), CLOCK),
        ];
        expect(ids(other)).toEqual(ids(set));
        expect(other.waiting.map(({ id }) => id)).toEqual(set.waiting.map(({ id }) => id));
        expect(usageOf(other)).toEqual(usageOf(set));
      }),
      { numRuns: runs(200) },
    );
  });

  test('lose no file: all = used + unmatched + unpaired + outside, each with its reason', () => {
    fc.assert(
      fc.property(cases, ({ stage, candidates }) => {
        const set = deriveDatums(stage, candidates, CLOCK);
        stage.deps.forEach(({ name: dep }, index) => {
          const usage = set.usage.get(dep);
          if (usage === undefined) throw new Error(`${dep} has no usage`);
          const { files: all, used, unmatched, unpaired, outside, unpairedWith } = usage;
          expect(all).toBe(candidates[index]?.length);
          expect(used + unmatched + unpaired + outside).toBe(all);
          expect(Math.min(used, unmatched, unpaired, outside)).toBeGreaterThanOrEqual(0);
          if (unpaired > 0) expect(unpairedWith.length).toBeGreaterThan(0);
          const seen = new Set(
            set.datums.flatMap(({ files: shares }) => shares[index] ?? set.broadcast.get(index) ?? []),
          );
          expect(used).toBeGreaterThanOrEqual(seen.size);
          if (set.waiting.length === 0) expect(used).toBe(seen.size);
        });
      }),
      { numRuns: runs(300) },
    );
  });

  test('are sorted, each once, and never both ready and waiting; what waits says for what', () => {
    fc.assert(
      fc.property(cases, ({ stage, candidates }) => {
        const set = deriveDatums(stage, candidates, CLOCK);
        const all = [...ids(set), ...set.waiting.map(({ id }) => id)];
        expect(new Set(all).size).toBe(all.length);
        expect(ids(set)).toEqual([...ids(set)].sort(compareBytes));
        for (const { missing, missingDeps } of set.waiting) {
          expect(missing.length).toBeGreaterThan(0);
          expect(missingDeps.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: runs(200) },
    );
  });
});
