import { expect, test } from 'vitest';
import { EXIT, Problem } from '../../../src/model/problem.ts';
import { problemJson, problemText } from '../../../src/ui/problem.ts';
import { PLAIN } from '../../../src/ui/style.ts';

const problem = new Problem({
  code: 'bad-pattern',
  message: 'the pattern has a capture without a name',
  hint: 'Write {name}.',
  exit: EXIT.usage,
  place: { file: 'datawf.yaml', line: 12, column: 9, excerpt: '12 |   deps: {}\n   |        ^' },
  details: ['data/a.csv', 'data/b.csv'],
});

test('a problem names the fact, the place, the details and the cure', () => {
  expect(problemText(problem, PLAIN)).toBe(`error: the pattern has a capture without a name
  at datawf.yaml:12:9
    12 |   deps: {}
       |        ^
  data/a.csv
  data/b.csv
hint: Write {name}.
`);
});

test('a problem without more is one line', () => {
  expect(problemText(new Problem({ code: 'x', message: 'no', exit: EXIT.refused }), PLAIN)).toBe(
    'error: no\n',
  );
});

test('in JSON it is one line', () => {
  expect(problemJson(problem)).toBe(
    '{"error":"bad-pattern","message":"the pattern has a capture without a name","hint":"Write {name}.","file":"datawf.yaml","line":12,"column":9,"details":["data/a.csv","data/b.csv"],"exit":2}',
  );
});
