import type { Problem } from '../model/problem.ts';
import type { Style } from './style.ts';

/** A problem as text: what, where, details, and the cure last. */
export function problemText(problem: Problem, style: Style): string {
  const lines = [`${style.bad('error:')} ${problem.message}`];
  const place = problem.place;
  if (place !== undefined) {
    const spot = [place.file, place.line, place.column].filter((part) => part !== undefined).join(':');
    lines.push(`  at ${style.accent(spot)}`);
    if (place.excerpt !== undefined)
      lines.push(
        ...place.excerpt
          .trimEnd()
          .split('\n')
          .map((line) => `    ${line}`),
      );
  }
  lines.push(...problem.details.map((line) => `  ${line}`));
  if (problem.hint !== undefined) lines.push(`${style.bold('hint:')} ${problem.hint}`);
  return `${lines.join('\n')}\n`;
}

/** A problem as one line of JSON. */
export function problemJson(problem: Problem): string {
  return JSON.stringify({
    error: problem.code,
    message: problem.message,
    hint: problem.hint,
    file: problem.place?.file,
    line: problem.place?.line,
    column: problem.place?.column,
    details: problem.details.length === 0 ? undefined : problem.details,
    exit: problem.exit,
  });
}
