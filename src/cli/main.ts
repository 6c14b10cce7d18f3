import type { Command, CommanderError } from 'commander';
import { EXIT, type ExitCode } from '../model/problem.ts';
import { createOutput, type Output } from '../ui/output.ts';
import { splitArgv, type Split } from './argv.ts';
import type { CommandEntry } from './commands/entry.ts';
import { packageVersion, type Host } from './host.ts';
import type { Action, Exit } from './session.ts';
import { watchSignals, type Interrupts } from './signals.ts';

/** One command line with what it is carried out in. */
interface Invocation {
  readonly host: Host;
  readonly split: Split;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly interrupts: Interrupts;
}

/** Runs one invocation and sets the process's exit code. Never throws. */
export async function main(process: NodeJS.Process): Promise<void> {
  const host = hostOf(process);
  const split = splitArgv(host.argv);
  const json = split.json || /^(1|true|yes|on)$/i.test(host.env['DATAWF_JSON'] ?? '');
  const output = createOutput(host.stdout, host.stderr);
  const signals = watchSignals(process, output);
  const { signal } = signals;
  try {
    process.exitCode = await execute({ host, split, output, signal, interrupts: signals });
  } catch (error) {
    const { problemOf, printProblem } = await import('./failure.ts');
    const problem = problemOf(error, signal);
    await printProblem({ problem, error, host, output, json });
    process.exitCode = problem.exit;
  } finally {
    signals.close();
  }
}

function hostOf(process: NodeJS.Process): Host {
  return {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    stdin: () => process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    pid: process.pid,
    userId: process.getuid?.(),
    now: Date.now,
  };
}

async function execute(invocation: Invocation): Promise<ExitCode> {
  const { split, output } = invocation;
  if (split.version) {
    output.data(`${packageVersion()}\n`);
    return EXIT.ok;
  }
  if (split.words.length === 0 || split.words[0] === 'help') return await showHelp(invocation);
  if (split.entry !== undefined) return await runCommand(invocation, split.entry);
  const { unknownCommand, familyHelp } = await import('./usage.ts');
  if (!split.help) throw unknownCommand(split.words);
  output.data(familyHelp(split.words));
  return EXIT.ok;
}

/** `datawf help [COMMAND…]`, `datawf --help`, and `datawf` alone, which is an error of usage. */
async function showHelp(invocation: Invocation): Promise<ExitCode> {
  const { split, output } = invocation;
  const topic = splitArgv(split.words.length === 0 ? [] : split.rest.filter((word) => !word.startsWith('-')));
  if (topic.entry !== undefined) {
    return await runCommand({ ...invocation, split: { ...topic, rest: ['--help'] } }, topic.entry);
  }
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
async function runCommand(invocation: Invocation, entry: CommandEntry): Promise<ExitCode> {
  const { output, split } = invocation;
  const [build, { loadCommander }, { addGlobals }] = await Promise.all([
    entry.load(),
    import('./load-commander.ts'),
    import('./globals.ts'),
  ]);
  const { Command, CommanderError } = loadCommander();
  const command = new Command(`datawf ${entry.name}`).description(entry.summary);
  command.exitOverride().showSuggestionAfterError(false).allowExcessArguments(false);
  command.configureOutput({
    writeOut: (text) => {
      output.data(text);
    },
    writeErr: () => undefined,
  });
  let exit: Exit;
  build(command, (action) => async () => {
    exit = await runAction(invocation, command, action as Action<unknown[], unknown>);
  });
  addGlobals(command);
  try {
    await command.parseAsync(split.rest, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return await usageOutcome(error, command, entry);
  }
  return exit ?? EXIT.ok;
}

async function runAction(
  invocation: Invocation,
  command: Command,
  action: Action<unknown[], unknown>,
): Promise<Exit> {
  const { host, output, signal, interrupts } = invocation;
  const [{ openSession }, { applyVariables, globalsOf }] = await Promise.all([
    import('./session.ts'),
    import('./globals.ts'),
  ]);
  applyVariables(command, host.env);
  const session = openSession({
    host,
    globals: globalsOf(command),
    output,
    signal,
    interrupts,
    invoke: async ({ cwd, argv, output: other }) =>
      await execute({
        host: { ...host, cwd, argv },
        split: splitArgv(argv),
        output: other ?? output,
        signal,
        interrupts,
      }),
  });
  try {
    return await action(session, command.processedArgs, command.opts());
  } finally {
    await session.close();
  }
}

async function usageOutcome(error: CommanderError, command: Command, entry: CommandEntry): Promise<ExitCode> {
  if (error.code === 'commander.helpDisplayed') return EXIT.ok;
  const { usageProblem } = await import('./usage.ts');
  throw usageProblem(error, command, entry);
}
