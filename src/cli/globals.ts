import type { Command, Option } from 'commander';
import { invalid } from '../model/problem.ts';

/** The flags that every command has. */
export interface Globals {
  /** Folder to work in, as typed. */
  readonly dir: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** undefined: not asked for either way. */
  readonly color: boolean | undefined;
  readonly yes: boolean;
  readonly jobs: number | undefined;
}

/** Adds the global flags to a command, below its own in the help. */
export function addGlobals(command: Command): void {
  command.optionsGroup('Global options:');
  command.option('-C, --dir <DIR>', 'work in this folder instead of the current one');
  command.option('--json', 'machine-readable output on stdout');
  command.option('-q, --quiet', 'only errors');
  command.option('-v, --verbose', 'more words; stack traces of unexpected errors');
  command.option('--no-color', 'no colors');
  command.option('-y, --yes', 'answer questions with yes');
  command.option('-j, --jobs <N>', 'things done at once', countFor('--jobs'));
  command.helpOption('-h, --help', 'show this help');
}

/** The global flags as parsed. */
export function globalsOf(command: Command): Globals {
  const values = command.opts<Partial<Globals>>();
  return {
    dir: values.dir,
    json: values.json ?? false,
    quiet: values.quiet ?? false,
    verbose: values.verbose ?? false,
    color: values.color === false ? false : undefined,
    yes: values.yes ?? false,
    jobs: values.jobs,
  };
}

/** Reads the value of an option that counts: a whole number above 0. */
export function countFor(flag: string): (text: string) => number {
  return (text) => {
    if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
    throw invalid('bad-option', `${flag} takes a whole number above 0, not "${text}"`);
  };
}

/** Sets every option that the command line left open from its variable: `--fail-fast` from `DATAWF_FAIL_FAST`. */
export function applyVariables(command: Command, env: Readonly<Record<string, string | undefined>>): void {
  for (const option of command.options) {
    const variable = variableOf(option);
    const text = env[variable];
    const name = option.attributeName();
    if (text === undefined || command.getOptionValueSource(name) === 'cli') continue;
    command.setOptionValueWithSource(name, valueOf(option, text, variable), 'env');
  }
}

/** Name of the variable that stands for an option. */
function variableOf(option: Option): string {
  return `DATAWF_${(option.long ?? '').replace(/^--/, '').replaceAll('-', '_').toUpperCase()}`;
}

const YES = /^(1|true|yes|on)$/i;
const NO = /^(0|false|no|off|)$/i;

function valueOf(option: Option, text: string, variable: string): unknown {
  if (!option.required && !option.optional) {
    if (YES.test(text)) return !option.negate;
    if (NO.test(text)) return option.negate;
    throw invalid('bad-variable', `${variable} is "${text}"`, 'Set it to 1 or 0.');
  }
  if (option.argChoices !== undefined && !option.argChoices.includes(text)) {
    throw invalid(
      'bad-variable',
      `${variable} is "${text}"`,
      `Set it to one of: ${option.argChoices.join(', ')}.`,
    );
  }
  if (option.parseArg === undefined || option.argChoices !== undefined) return text;
  const parse = option.parseArg as (value: string, previous: unknown) => unknown;
  return parse(text, undefined);
}
