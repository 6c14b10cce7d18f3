import type { Reason, ReasonKind } from '../model/outcome.ts';

const WORDS: Readonly<Record<ReasonKind, string>> = {
  'never-run': 'never run',
  'code-changed': 'code changed',
  cmd: 'cmd changed',
  image: 'image changed',
  params: 'params changed',
  env: 'env changed',
  deps: 'deps changed',
  outs: 'outs changed',
  'input-changed': 'input changed',
  upstream: 'upstream will run',
  'output-missing': 'output missing',
  'output-edited': 'output edited',
  'object-missing': 'its object is missing from the store',
  forced: 'forced',
  retry: 'failed before',
  always: 'always runs',
  vanished: 'its input is gone',
};

/** A reason's kind in words; what is no kind is said as it is. */
export function reasonWord(kind: string): string {
  return kind in WORDS ? WORDS[kind as ReasonKind] : kind;
}

/** Reasons in a line: `input changed: data/raw/2020-01-03.csv; params changed: clean.threshold`. */
export function reasonsText(reasons: readonly Reason[], most = 2): string {
  return reasons.map((reason) => reasonText(reason, most)).join('; ');
}

/** One reason with its first paths or fields and how many more there are. */
export function reasonText(reason: Reason, most = 2): string {
  const things = [...(reason.fields ?? []), ...(reason.paths ?? [])];
  const shown = things.slice(0, most);
  const total = Math.max(
    things.length,
    reason.paths !== undefined && reason.paths.length >= 20 ? reason.count : 0,
  );
  const more = total > shown.length ? ` and ${total - shown.length} more` : '';
  return shown.length === 0 ? WORDS[reason.kind] : `${WORDS[reason.kind]}: ${shown.join(', ')}${more}`;
}
