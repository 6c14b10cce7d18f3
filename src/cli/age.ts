import { invalid } from '../model/problem.ts';
import { parseDuration } from '../util/quantity.ts';

/** Milliseconds of an age as typed: `14d`, `36h`, `0`. Throws `bad-age` (exit 2) naming the option. */
export function parseAge(option: string, text: string): number {
  const seconds = text === '0' ? 0 : parseDuration(text);
  if (seconds !== undefined) return seconds * 1000;
  throw invalid('bad-age', `${option} is ${JSON.stringify(text)}, which is no age`, 'Write 14d, 36h or 0d.');
}
