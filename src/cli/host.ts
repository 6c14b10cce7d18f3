import { readFileSync } from 'node:fs';

/** The process as main hands it in: the only door to arguments, variables, streams and signals. */
export interface Host {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Asked for only by who reads it: making the stream takes 4 ms. */
  readonly stdin?: () => NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly pid: number;
  /** Of the user; undefined where the system has none. */
  readonly userId: number | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The version in package.json. Costs a read of one small file, so it isn't done at start. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Absolute path of a file or folder that ships with the package (`schemas`, `fixtures`). */
export function packagePath(name: string): URL {
  return new URL(`../../${name}`, import.meta.url);
}
