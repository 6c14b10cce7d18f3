import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../../model/problem.ts';
import { memoryOutput } from '../../ui/output.ts';
import { addExamples } from '../examples.ts';
import { packagePath } from '../host.ts';
import type { Bind, Session } from '../session.ts';

/** `datawf demo [DIR]` */
export function build(command: Command, bind: Bind): void {
  command.argument('[dir]', 'a new folder; without it one in the folder for temporary files');
  addExamples(command, [
    ['datawf demo', 'make it, run it, change one day, and see what runs again'],
    ['datawf demo weather', 'the same in ./weather'],
  ]);
  command.action(
    bind(async (session, [dir]: [string?]) => {
      const { DEMO_DAY, editDemoDay, prepareDemo } = await import('../../app/demo.ts');
      const { plainGit } = await import('../../app/plain-git.ts');
      const { host } = session;
      const started = host.now();
      const folder = prepareDemo({
        fixture: fileURLToPath(packagePath('fixtures/weather')),
        folder: dir === undefined ? undefined : resolve(host.cwd, session.globals.dir ?? '.', dir),
        temp: tmpdir(),
      });
      const stage = new Stage(session, folder);
      const git = async (line: string, ...args: readonly string[]): Promise<void> => {
        stage.command(`git ${line}`);
        await plainGit(folder, host.env, args);
      };

      stage.title('A git repository with a table of 1461 days of weather, a workflow and its scripts');
      stage.say(`It is in ${folder}`);
      await git('init', 'init', '--quiet', '--initial-branch=main');
      await stage.datawf('init');

      stage.title('The table is data: datawf keeps its bytes, git a small pointer');
      await stage.datawf('add', 'data/weather.csv');
      await git('add . && git commit -m "Weather of Seattle"', 'add', '.');
      await plainGit(folder, host.env, ['commit', '--quiet', '-m', 'Weather of Seattle']);

      stage.title('Run what is out of date: all of it. One file a day, cleaned day by day, months, a report');
      await stage.datawf('repro');
      await git('add . && git commit -m "First run"', 'add', '.');
      await plainGit(folder, host.env, ['commit', '--quiet', '-m', 'First run']);

      stage.title('One day was wrong. Make the table editable, and correct that day');
      await stage.datawf('unlock', 'data/weather.csv');
      const { before, after } = editDemoDay(folder);
      stage.say(`  - ${before}\n  + ${after}`);
      await stage.datawf('status');

      stage.title(
        'Run again: split is one datum, so it runs; of its 1461 files one differs, so that day, its month and the report',
      );
      await stage.datawf('repro');
      await stage.datawf('status');

      const seconds = (host.now() - started) / 1000;
      stage.end(folder, seconds, DEMO_DAY);
      return stage.exit;
    }),
  );
}

/** Where the demo plays: narrates what is typed, and carries it out. */
class Stage {
  readonly #session: Session;
  readonly #folder: string;
  readonly #runs: unknown[] = [];
  exit: ExitCode = EXIT.ok;

  constructor(session: Session, folder: string) {
    this.#session = session;
    this.#folder = folder;
  }

  title(text: string): void {
    this.say(`\n# ${text}`);
  }

  command(line: string): void {
    this.say(`$ ${line}`);
  }

  say(text: string): void {
    const { globals, output } = this.#session;
    if (globals.json) output.data(`${JSON.stringify({ event: 'note', message: text.trim() })}\n`);
    else if (!globals.quiet) output.words(`${text}\n`);
  }

  /** Carries out a command of datawf in the demo's folder. With `--json` its events are passed on but for its end. */
  async datawf(...argv: readonly string[]): Promise<void> {
    const { globals, output, invoke } = this.#session;
    this.command(`datawf ${argv.join(' ')}`);
    const jobs = globals.jobs === undefined ? [] : ['--jobs', String(globals.jobs)];
    if (!globals.json) {
      const flags = [
        ...jobs,
        ...(globals.quiet ? ['--quiet'] : []),
        ...(globals.color === false ? ['--no-color'] : []),
      ];
      this.#note(await invoke({ cwd: this.#folder, argv: [...argv, ...flags] }));
      return;
    }
    const memory = memoryOutput(output);
    this.#note(
      await invoke({ cwd: this.#folder, argv: [...argv, ...jobs, '--json'], output: memory.output }),
    );
    for (const line of memory.text().split('\n')) this.#pass(line);
  }

  end(folder: string, seconds: number, day: string): void {
    const { globals, output } = this.#session;
    if (globals.json) {
      output.data(
        `${JSON.stringify({ event: 'end', exit: this.exit, seconds, folder, runs: this.#runs })}\n`,
      );
      return;
    }
    this.title(`Done in ${seconds.toFixed(0)} s. Try next`);
    const lines = [
      ['open report.html in a browser', 'the result'],
      ['datawf log', 'what ran, why, and how long'],
      [`datawf why data/clean/${day}.csv`, 'why this file is as it is'],
      ['datawf dag', 'the workflow'],
      ['datawf diff', 'files that differ from the last commit'],
      ['edit clean.awk, then datawf repro -n', 'what a change of code would run'],
      ['git commit -am "Correct a day"', 'the new version, to share'],
    ] as const;
    const width = Math.max(...lines.map(([line]) => line.length));
    this.say(
      [`cd ${folder}`, ...lines.map(([line, meaning]) => `${line.padEnd(width)}   ${meaning}`)]
        .map((line) => `  ${line}`)
        .join('\n'),
    );
  }

  #note(exit: ExitCode): void {
    if (exit !== EXIT.ok) this.exit = exit;
  }

  #pass(line: string): void {
    const event = line.startsWith('{"event":')
      ? (JSON.parse(line) as { event: string; run?: string })
      : undefined;
    if (event === undefined) return;
    if (event.event !== 'end') this.#session.output.data(`${line}\n`);
    else if (event.run !== undefined) this.#runs.push(event);
  }
}
