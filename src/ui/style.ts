/** Ways to set off a word. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly accent: (text: string) => string;
}

const same = (text: string): string => text;

/** No colors at all. */
export const PLAIN: Style = { bold: same, dim: same, good: same, bad: same, warn: same, accent: same };

/** Colors; loads chalk (6 ms), so only where they will be seen. */
export async function loadStyle(): Promise<Style> {
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  return {
    bold: chalk.bold,
    dim: chalk.dim,
    good: chalk.green,
    bad: chalk.red,
    warn: chalk.yellow,
    accent: chalk.cyan,
  };
}

/** What speaks for and against colors. */
export interface ColorQuestion {
  readonly stream: { readonly isTTY?: boolean };
  /** false: `--no-color`. */
  readonly flag: boolean | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly config: 'auto' | 'always' | 'never' | undefined;
}

/**
 * Whether to color a stream: the flag, then NO_COLOR (https://no-color.org: set and not empty) and FORCE_COLOR, then the
 * configuration, then whether it is a terminal that can.
 */
export function wantsColor(question: ColorQuestion): boolean {
  const { stream, flag, env, config } = question;
  if (flag !== undefined) return flag;
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  if (config === 'always') return true;
  if (config === 'never') return false;
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}
