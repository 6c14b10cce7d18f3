import { Command } from 'commander';
import { invalid } from '../../model/problem.ts';
import { bashScript, fishScript, zshScript, type Completable } from '../completion-scripts.ts';
import { addGlobals } from '../globals.ts';
import { addExamples } from '../help.ts';
import type { Bind } from '../session.ts';
import { TABLE } from './table.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `datawf completion SHELL` */
export function build(command: Command, bind: Bind): void {
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
      const commands = await Promise.all(TABLE.map(completable));
      session.output.data(SCRIPTS[shell as keyof typeof SCRIPTS](commands));
      return undefined;
    }),
  );
}

/** The flags of a command, from the definition that parses them. */
async function completable(row: (typeof TABLE)[number]): Promise<Completable> {
  const command = new Command(row.name);
  (await row.load())(command, () => async () => undefined);
  addGlobals(command);
  const flags = command.options.flatMap((option) => option.long ?? []);
  const takesStages = command.registeredArguments.some((argument) => /target|stage/.test(argument.name()));
  return { name: row.name, summary: row.summary, flags: [...flags, '--help'], takesStages };
}
