import type { Command, CommanderError } from 'commander';
import { EXIT, type ExitCode } from '../model/problem.ts';
import { createOutput, type Output } from '../ui/output.ts';
import { splitArgv, type Split } from './argv.ts';
import type { CommandEntry } from './commands/table.ts';
import { packageVersion, type Host } from './host.ts';
import type { Exit, Session } from './session.ts';
import { watchSignals } from './signals.ts';

/** Runs one invocation and sets the process's exit code. Never throws. */
export async function main(process: NodeJS.Process): Promise<void> {
  const host: Host = {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    pid: process.pid,
    userId: process.getuid?.(),
    now: Date.now,
  };
  const split = splitArgv(host.argv);
  const json = split.json || /^(1|true|yes|on)$/i.test(host.env['DATAWF_JSON'] ?? '');
  const output = createOutput(host.stdout, host.stderr);
  const signals = watchSignals(process, output);
  try {
    process.exitCode = await execute(host, split, output, signals.signal);
  } catch (error) {
    const { problemOf, printProblem } = await import('./failure.ts');
    const problem = problemOf(error, signals.signal);
    printProblem({ problem, error, host, output, json });
    process.exitCode = problem.exit;
  } finally {
    signals.close();
  }
}

async function execute(host: Host, split: Split, output: Output, signal: AbortSignal): Promise<ExitCode> {
  if (split.version) {
    output.data(`${packageVersion()}\n`);
    return EXIT.ok;
  }
  if (split.words.length === 0 || split.words[0] === 'help')
    return await showHelp(host, split, output, signal);
  const entry = split.entry;
  if (entry === undefined) {
    const { unknownCommand, familyHelp } = await import('./usage.ts');
    if (!split.help) throw unknownCommand(split.words);
    output.data(familyHelp(split.words));
    return EXIT.ok;
  }
  return await runCommand(host, entry, split.rest, output, signal);
}

/** `datawf help [COMMAND…]`, `datawf --help`, and `datawf` alone, which is an error of usage. */
async function showHelp(host: Host, split: Split, output: Output, signal: AbortSignal): Promise<ExitCode> {
  const topic = splitArgv(split.words.length === 0 ? [] : split.rest.filter((word) => !word.startsWith('-')));
  if (topic.entry !== undefined) return await runCommand(host, topic.entry, ['--help'], output, signal);
  if (topic.words.length > 0) {
    const { familyHelp } = await import('./usage.ts');
    output.data(familyHelp(topic.words));
    return EXIT.ok;
  }
  const { rootHelp } = await import('./help.ts');
  if (split.help || split.words.length > 0) {
    output.data(rootHelp());
    return EXIT.ok;
  }
  output.words(rootHelp());
  return EXIT.usage;
}

/** Parses the arguments of one command and carries it out. */
async function runCommand(
  host: Host,
  entry: CommandEntry,
  argv: readonly string[],
  output: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const [build, { Command, CommanderError }, { addGlobals, applyVariables, globalsOf }] = await Promise.all([
    entry.load(),
    import('commander'),
    import('./globals.ts'),
  ]);
  const command = new Command(`datawf ${entry.name}`).description(entry.summary);
  command.exitOverride().showSuggestionAfterError(false).allowExcessArguments(false);
  command.configureOutput({
    writeOut: (text) => {
      output.data(text);
    },
    writeErr: () => undefined,
  });
  let exit: Exit;
  build(command, (action) => async (...args) => {
    applyVariables(command, host.env);
    const { openSession } = await import('./session.ts');
    const session: Session = openSession({
      host,
      globals: globalsOf(command),
      output,
      signal,
      invoke: async ({ cwd, argv: words, output: other }) =>
        await execute({ ...host, cwd, argv: words }, splitArgv(words), other ?? output, signal),
    });
    try {
      exit = await action(session, ...args);
    } finally {
      session.close();
    }
  });
  addGlobals(command);
  try {
    await command.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return await usageOutcome(error, command, entry);
  }
  return exit ?? EXIT.ok;
}

async function usageOutcome(error: CommanderError, command: Command, entry: CommandEntry): Promise<ExitCode> {
  if (error.code === 'commander.helpDisplayed') return EXIT.ok;
  const { usageProblem } = await import('./usage.ts');
  throw usageProblem(error, command, entry);
}
