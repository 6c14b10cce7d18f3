import { isDigest, type Digest } from '../model/digest.ts';
import { damaged } from '../model/problem.ts';
import { dataFault } from '../model/repo-path.ts';

/** Which version of a source's file a recorded file is. */
export interface Pin {
  /** Below the source; empty for a source that is one file. */
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
  /** What the source said of the version. */
  readonly pin: string;
}

/** A line a file: digest, size, version (percent-encoded), path. In the order given. */
export function formatPins(pins: readonly Pin[]): string {
  return pins
    .map(({ digest, size, pin, path }) => `${digest} ${size} ${encodeURIComponent(pin)} ${path}\n`)
    .join('');
}

/** Reads what `formatPins` wrote. Throws `corrupt-pins` (exit 7). */
export function parsePins(text: string, place: string): readonly Pin[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, at) => {
      const [, digest = '', size, pin, path = ''] = /^([0-9a-f]{64}) (\d+) (\S+) (.*)$/.exec(line) ?? [];
      if (!isDigest(digest) || pin === undefined || (path !== '' && dataFault(path) !== undefined))
        throw damaged(
          'corrupt-pins',
          `${place} is damaged in line ${at + 1}`,
          'Adopt the data again: datawf adopt --refresh PATH',
        );
      return { digest, size: Number(size), pin: decodeURIComponent(pin), path };
    });
}
