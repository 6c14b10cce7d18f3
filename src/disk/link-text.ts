import { readlinkSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { isUtf8 } from 'node:buffer';
import { invalid } from '../model/problem.ts';

/** A symlink's target as written; one that leaves `inside` raises `outside-link` (exit 2). */
export function readLinkText(file: string, inside: string): string {
  const bytes = readlinkSync(file, 'buffer');
  const text = bytes.toString();
  if (!isUtf8(bytes))
    throw invalid('outside-link', `the symlink ${file} has a target that is not valid UTF-8`);
  checkLinkText(file, text, inside);
  return text;
}

/**
 * Refuses a symlink's target that is absolute or leads out of `inside`: such a file means something else on each machine.
 * Judged by the text; where folders on the way are symlinks themselves, those are judged on their own.
 */
export function checkLinkText(file: string, text: string, inside: string): void {
  const target = resolve(dirname(file), text);
  if (!isAbsolute(text) && (target === inside || target.startsWith(`${inside}/`))) return;
  throw invalid(
    'outside-link',
    `the symlink ${file} leads to ${JSON.stringify(text)}, outside ${inside}`,
    'Replace it by the file itself, or by a relative symlink that stays inside.',
  );
}
