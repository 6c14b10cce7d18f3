/** Text of a file with conflict markers, as git writes them. */

/** The two texts in one, their differing middle between conflict markers: what stands before and behind it is common. */
export function conflictText(ours: string, theirs: string): string {
  const a = linesOf(ours);
  const b = linesOf(theirs);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  )
    tail++;
  return [
    ...a.slice(0, head),
    '<<<<<<< ours\n',
    ...a.slice(head, a.length - tail),
    '=======\n',
    ...b.slice(head, b.length - tail),
    '>>>>>>> theirs\n',
    ...a.slice(a.length - tail),
  ].join('');
}

/** Matches at the first marker that a merge left in a text. */
export const CONFLICT_MARKER = /^(<{7}|>{7}) /m;

/** Whether a merge left its markers in a text. */
export function hasConflict(text: string): boolean {
  return CONFLICT_MARKER.test(text);
}

/** The two texts that a text with conflict markers was made from; undefined where the markers don't fit together. */
export function conflictSides(text: string): { readonly ours: string; readonly theirs: string } | undefined {
  const ours: string[] = [];
  const theirs: string[] = [];
  let within: 'both' | 'ours' | 'base' | 'theirs' = 'both';
  for (const line of linesOf(text)) {
    const marker = /^(<{7}|\|{7}|={7}|>{7})( |\n)/.exec(line)?.[1]?.[0];
    if (marker === '<' && within === 'both') within = 'ours';
    else if (marker === '|' && within === 'ours') within = 'base';
    else if (marker === '=' && (within === 'ours' || within === 'base')) within = 'theirs';
    else if (marker === '>' && within === 'theirs') within = 'both';
    else if (marker !== undefined) return undefined;
    else {
      if (within === 'both' || within === 'ours') ours.push(line);
      if (within === 'both' || within === 'theirs') theirs.push(line);
    }
  }
  return within === 'both' ? { ours: ours.join(''), theirs: theirs.join('') } : undefined;
}

/** Lines with their ends; the last one gets one. */
function linesOf(text: string): string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text : `${text}\n`).match(/[^\n]*\n/g) ?? [];
}
