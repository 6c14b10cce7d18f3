import { lstatSync } from 'node:fs';
import { listNames, removeQuietly } from './folder-list.ts';

/** A file that a store on disk keeps beside the layout. */
export interface Leftover {
  /** Absolute. */
  readonly file: string;
  readonly bytes: number;
}

/** Unfinished files (`tmp`) or damaged objects (`quarantine`) of a store's folder that were last touched before then (epoch milliseconds). */
export function listLeftovers(
  folder: string,
  top: 'tmp' | 'quarantine',
  before = Infinity,
): readonly Leftover[] {
  return listNames(`${folder}/${top}`).flatMap((name) => {
    const file = `${folder}/${top}/${name}`;
    const stat = lstatSync(file, { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.ctimeMs < before ? [{ file, bytes: stat.size }] : [];
  });
}

export function removeLeftovers(leftovers: readonly Leftover[]): void {
  for (const { file } of leftovers) removeQuietly(file);
}
