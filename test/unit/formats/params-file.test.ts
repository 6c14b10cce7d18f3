import { describe, expect, test } from 'vitest';
import { readParam } from '../../../src/formats/params-file.ts';
import { problemOf } from './texts.ts';

const TEXT = `clean:
  threshold: 0.10
  name: "x: y"
  on: true
  none:
  list: [1, 0.50, a, "2", ~, true]
  map: {b: 1, a: {d: "e", c: 2}}
top: 3
`;

function value(key: string): string {
  return readParam(TEXT, 'params.yaml', key).text;
}

describe('a param', () => {
  test.each([
    ['top', '3'],
    ['clean.threshold', '0.10'],
    ['clean.name', 'x: y'],
    ['clean.on', 'true'],
    ['clean.none', ''],
    ['clean.list', '[1,0.50,"a","2",null,true]'],
    ['clean.list.2', 'a'],
    ['clean.map', '{"a":{"c":2,"d":"e"},"b":1}'],
    ['clean.map.a.d', 'e'],
  ])('%s is as written: %s', (key, text) => {
    expect(value(key)).toBe(text);
  });

  test('has in the key what the command sees', () => {
    expect(readParam('a: 0.10\n', 'p.yaml', 'a').json).not.toBe(readParam('a: 0.1\n', 'p.yaml', 'a').json);
    expect(readParam('a: "3"\n', 'p.yaml', 'a').json).toBe(readParam('a: 3\n', 'p.yaml', 'a').json);
    expect(readParam('a: {x: 1, y: 2}\n', 'p.yaml', 'a')).toEqual(
      readParam('a: {y: 2, x: 1}\n', 'p.yaml', 'a'),
    );
  });

  test('may come from JSON', () => {
    expect(readParam('{\n\t"a": {"b": [1, 2]}\n}', 'p.json', 'a').text).toBe('{"b":[1,2]}');
  });

  test('that is missing is named with the key that is near', () => {
    expect(problemOf(() => value('clean.treshold'))).toMatchObject({
      code: 'no-param',
      exit: 2,
      message: 'params.yaml has no clean.treshold, which the param clean.treshold names',
      hint: 'Did you mean "clean.threshold"?',
      place: { file: 'params.yaml', line: 2 },
    });
    expect(problemOf(() => value('clean.threshold.x')).code).toBe('no-param');
    expect(problemOf(() => value('clean.list.9')).code).toBe('no-param');
    expect(problemOf(() => readParam('', 'params.yaml', 'a')).place).toEqual({ file: 'params.yaml' });
  });

  test('of a file that is no YAML is refused', () => {
    expect(problemOf(() => readParam('a: [', 'p.yaml', 'a'))).toMatchObject({
      code: 'invalid-params',
      exit: 2,
    });
  });
});
