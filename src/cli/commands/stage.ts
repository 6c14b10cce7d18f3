import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface AddOptions {
  readonly desc?: string;
  readonly code?: readonly string[];
  readonly dep?: readonly string[];
  readonly out?: readonly string[];
  readonly param?: readonly string[];
  readonly image?: string;
  readonly file?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** `datawf stage add NAME --dep … --out … -- COMMAND…` */
export function buildAdd(command: Command, bind: Bind): void {
  command
    .argument('<name>', 'name of the stage')
    .argument(
      '<command...>',
      'its command, behind --; one word is run by a shell, several are the list of its words',
    )
    .option('-d, --dep <NAME=PATTERN>', 'a dep, any number of times', collect)
    .option('-o, --out <NAME=PATTERN>', 'an out, any number of times', collect)
    .option('--code <PATH>', 'a file or folder of code, any number of times', collect)
    .option('--param <KEY>', 'a parameter from params.yaml, any number of times', collect)
    .option('--desc <TEXT>', 'what it does')
    .option('--image <IMAGE>', 'its container image')
    .option(
      '--file <FILE>',
      'the datawf.yaml to write to; the one of the current folder or above it otherwise',
    )
    .option('--force', 'replace a stage of that name')
    .option('-n, --dry-run', 'show what would be written, and change nothing');
  addExamples(command, [
    [
      `datawf stage add clean -d 'raw=data/raw/{date:%Y-%m-%d}.csv' -o 'clean=data/clean/{date:%Y-%m-%d}.csv' \\`,
      '',
    ],
    [`    --code clean.py -- 'python3 clean.py "$raw" "$clean"'`, 'one datum a day'],
  ]);
  command.action(
    bind(async (session, [name, words]: [string, string[]], options: AddOptions) => {
      const context = await session.open();
      const { addStage } = await import('../../app/stage-edit.ts');
      const report = addStage(context, {
        name,
        cmd: words.length === 1 ? (words[0] ?? '') : words,
        deps: options.dep ?? [],
        outs: options.out ?? [],
        code: options.code ?? [],
        params: options.param ?? [],
        desc: options.desc,
        image: options.image,
        file: options.file,
        force: options.force ?? false,
        dryRun: options.dryRun ?? false,
      });
      const { stageEditText } = await import('../../ui/setup-screens.ts');
      session.report(report, stageEditText(report, 'added'));
      return undefined;
    }),
  );
}

/** `datawf stage list` */
export function buildList(command: Command, bind: Bind): void {
  command.option('--names', 'only their names, one a line');
  addExamples(command, [['datawf stage list', 'the stages of all datawf.yaml files']]);
  command.action(
    bind(async (session, _: [], options: { names?: boolean }) => {
      const context = await session.open();
      const { listStages } = await import('../../app/stage-edit.ts');
      const stages = listStages(context);
      await session.answer(stages, async (look) => {
        if (options.names === true) return stages.map((stage) => `${stage.stage}\n`).join('');
        const { stagesText } = await import('../../ui/setup-screens.ts');
        return stagesText(stages, look);
      });
      return undefined;
    }),
  );
}

/** `datawf stage remove NAME…` */
export function buildRemove(command: Command, bind: Bind): void {
  command
    .argument('<stage...>', 'stages, or globs over stage names')
    .option('-n, --dry-run', 'show what would go, and change nothing');
  addExamples(command, [
    ['datawf stage remove monthly', 'take it out of datawf.yaml; its outputs stay until the next repro'],
  ]);
  command.action(
    bind(async (session, [stages]: [string[]], options: { dryRun?: boolean }) => {
      const context = await session.open();
      const { removeStages } = await import('../../app/stage-edit.ts');
      const report = removeStages(context, { stages, dryRun: options.dryRun ?? false });
      const { stageEditText } = await import('../../ui/setup-screens.ts');
      session.report(report, stageEditText(report, 'removed'));
      return undefined;
    }),
  );
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
