import type { Command } from 'commander';
import { invalid } from '../../model/problem.ts';
import { bashScript, fishScript, zshScript, type Completable } from '../completion-scripts.ts';
import { addGlobals } from '../globals.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';
import { loadCommander } from '../load-commander.ts';
import type { Build, CommandEntry } from './entry.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `datawf completion SHELL`, for the commands of a table. */
export function buildFor(table: readonly CommandEntry[]): Build {
  return (command, bind) => {
    build(command, bind, table);
  };
}

function build(command: Command, bind: Bind, table: readonly CommandEntry[]): void {
  command.argument('<shell>', 'bash, zsh or fish');
  addExamples(command, [
    ['source <(datawf completion bash)', 'in ~/.bashrc'],
    ['source <(datawf completion zsh)', 'in ~/.zshrc, below compinit'],
    ['datawf completion fish | source', 'in ~/.config/fish/config.fish'],
  ]);
  command.action(
    bind(async (session, [shell]: [string]) => {
      if (!(shell in SCRIPTS))
        throw invalid('bad-argument', `there is no completion for "${shell}"`, 'Shells: bash, zsh, fish.');
      const commands = await Promise.all(table.map(completable));
      session.output.data(SCRIPTS[shell as keyof typeof SCRIPTS](commands));
      return undefined;
    }),
  );
}

/** The flags of a command, from the definition that parses them. */
async function completable(row: CommandEntry): Promise<Completable> {
  const { Command } = loadCommander();
  const command = new Command(row.name);
  (await row.load())(command, () => async () => undefined);
  addGlobals(command);
  const flags = command.options.flatMap((option) => option.long ?? []);
  const takesStages = command.registeredArguments.some((argument) => /target|stage/.test(argument.name()));
  return { name: row.name, summary: row.summary, flags: [...flags, '--help'], takesStages };
}
