import type { Command, CommanderError } from 'commander';
import { invalid, type Problem } from '../model/problem.ts';
import { didYouMean } from '../util/suggest.ts';
import type { CommandEntry } from './commands/entry.ts';
import { TABLE } from './commands/table.ts';

/** The problem of a mistyped or half-typed command. */
export function unknownCommand(words: readonly string[]): Problem {
  const [one = '', two] = words;
  const members = TABLE.filter((row) => row.name.startsWith(`${one} `)).map((row) => row.name);
  if (members.length > 0) {
    const typed = two === undefined ? undefined : `${one} ${two}`;
    const message =
      typed === undefined ? `"datawf ${one}" needs a verb` : `there is no command "datawf ${typed}"`;
    const near =
      typed === undefined
        ? undefined
        : didYouMean(
            `datawf ${typed}`,
            members.map((name) => `datawf ${name}`),
          );
    return invalid(
      'unknown-command',
      message,
      near ?? `Verbs: ${members.map((name) => `datawf ${name}`).join(', ')}.`,
    );
  }
  const known = TABLE.map((row) => row.name);
  const hint = didYouMean(one, [...known, 'help']) ?? 'See "datawf --help" for all commands.';
  return invalid('unknown-command', `there is no command "${one}"`, hint);
}

/** A commander error in datawf's words. */
export function usageProblem(error: CommanderError, command: Command, entry: CommandEntry): Problem {
  const see = `See "datawf ${entry.name} --help".`;
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  switch (error.code) {
    case 'commander.unknownOption': {
      const flag = quoted.replace(/=.*$/, '');
      const longs = command.options.flatMap((option) => option.long ?? []).concat('--help');
      return invalid(
        'unknown-option',
        `"datawf ${entry.name}" has no option ${flag}`,
        didYouMean(flag, longs) ?? see,
      );
    }
    case 'commander.missingArgument':
      return invalid('missing-argument', `"datawf ${entry.name}" needs ${quoted.toUpperCase()}`, see);
    case 'commander.optionMissingArgument':
      return invalid('missing-argument', `the option ${quoted} needs a value`, see);
    case 'commander.excessArguments':
      return invalid('excess-argument', `"datawf ${entry.name}" takes fewer arguments`, see);
    default:
      return invalid('usage', error.message.replace(/^error: /, ''), see);
  }
}

/** Help over the members of a family such as `config`; throws where there is no such family. */
export function familyHelp(words: readonly string[]): string {
  const members = TABLE.filter((row) => row.name.startsWith(`${words[0] ?? ''} `));
  if (members.length === 0) throw unknownCommand(words);
  const width = Math.max(...members.map((row) => row.name.length));
  return `${members.map((row) => `datawf ${row.name.padEnd(width)}  ${row.summary}`).join('\n')}\n`;
}
