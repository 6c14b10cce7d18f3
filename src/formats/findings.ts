import { EXIT, Problem } from '../model/problem.ts';
import { placeAt, type SourceText } from './source-text.ts';

/** One thing wrong with a tracked text. */
export interface Finding {
  /** Offset in the text. */
  readonly at: number;
  readonly message: string;
  /** The cure. */
  readonly hint?: string | undefined;
}

/** Collects what is wrong with one text, so that a person sees all of it at once. */
export interface Findings {
  readonly source: SourceText;
  /** Of several at one offset the first counts (`defaults` are read once a stage). */
  add(at: number, message: string, hint?: string): void;
  readonly list: readonly Finding[];
}

export function collectFindings(source: SourceText): Findings {
  const list: Finding[] = [];
  const offsets = new Set<number>();
  return {
    source,
    list,
    add(at, message, hint) {
      if (offsets.has(at)) return;
      offsets.add(at);
      list.push({ at, message, hint });
    },
  };
}

const SHOWN = 20;

/**
 * One Problem (exit 2) for all findings: the first in the text with its place, the others as lines `file:line:col
 * message`. A `cure` of the whole file replaces those of the findings: a file that datawf wrote isn't mended by hand.
 */
export function problemOf(code: string, findings: Findings, cure?: string): Problem {
  const { source } = findings;
  const [first, ...others] = [...findings.list].sort((a, b) => a.at - b.at);
  const hint = cure ?? first?.hint;
  const details = others
    .slice(0, SHOWN)
    .map((finding) => lineOf(source, cure === undefined ? finding : { ...finding, hint: undefined }));
  if (others.length > SHOWN) details.push(`and ${others.length - SHOWN} more`);
  return new Problem({
    code,
    message: first?.message ?? 'the file is not valid',
    exit: EXIT.usage,
    ...(first === undefined ? {} : { place: placeAt(source, first.at) }),
    ...(hint === undefined ? {} : { hint }),
    ...(details.length === 0 ? {} : { details }),
  });
}

function lineOf(source: SourceText, finding: Finding): string {
  const { line, column } = placeAt(source, finding.at);
  const hint = finding.hint === undefined ? '' : ` (${finding.hint})`;
  return `${source.file}:${line}:${column} ${finding.message}${hint}`;
}
