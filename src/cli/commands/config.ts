import type { Command } from 'commander';
import { configFiles } from '../context.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface LevelOptions {
  readonly user?: boolean;
  readonly local?: boolean;
}

/** `datawf config get KEY` */
export function buildGet(command: Command, bind: Bind): void {
  addLevels(command.argument('<key>', 'such as jobs, cache.links or stores.nas.url'), 'only what');
  addExamples(command, [['datawf config get cache.links', 'the value that counts here']]);
  command.action(
    bind(async (session, [key]: [string], options: LevelOptions) => {
      const context = await session.open();
      const { getConfig } = await import('../../app/config.ts');
      const entry = getConfig({
        files: configFiles(context.workspace, session.host.env),
        key,
        level: levelOf(options),
      });
      const { valueText } = await import('../../ui/setup-screens.ts');
      await session.answer(entry, () => `${valueText(entry.value)}\n`);
      return undefined;
    }),
  );
}

/** `datawf config set KEY VALUE` */
export function buildSet(command: Command, bind: Bind): void {
  command
    .argument('<key>', 'such as jobs, cache.links or stores.nas.url')
    .argument('<value>', 'lists with commas');
  addLevels(command, 'write what').option('-n, --dry-run', 'check it, and change nothing');
  addExamples(command, [
    ['datawf config set cache.links hardlink,copy', 'for all who work on this repository'],
    ['datawf config set jobs 8 --user', 'for you, in every repository'],
    ['datawf config set color never --local', 'for this checkout'],
  ]);
  command.action(
    bind(async (session, [key, value]: [string, string], options: LevelOptions & { dryRun?: boolean }) => {
      const context = await session.open();
      const { setConfig } = await import('../../app/config.ts');
      const files = configFiles(context.workspace, session.host.env);
      const level = levelOf(options) ?? 'project';
      const entry = setConfig({
        files,
        key,
        level,
        value,
        root: context.workspace.root,
        dryRun: options.dryRun ?? false,
      });
      session.report({ ...entry, file: files[level] }, '');
      return undefined;
    }),
  );
}

/** `datawf config list` */
export function buildList(command: Command, bind: Bind): void {
  addLevels(command, 'only what');
  addExamples(command, [['datawf config list', 'all values that count here, and where each is from']]);
  command.action(
    bind(async (session, _: [], options: LevelOptions) => {
      const context = await session.open();
      const { listConfig } = await import('../../app/config.ts');
      const entries = listConfig({
        files: configFiles(context.workspace, session.host.env),
        level: levelOf(options),
      });
      await session.answer(entries, async (look) => {
        const { configText } = await import('../../ui/setup-screens.ts');
        return configText(entries, look);
      });
      return undefined;
    }),
  );
}

function addLevels(command: Command, lead: string): Command {
  return command
    .option('--user', `${lead} holds for you in every repository`)
    .option('--local', `${lead} holds for this checkout alone`);
}

function levelOf(options: LevelOptions): 'user' | 'local' | undefined {
  if (options.local === true) return 'local';
  return options.user === true ? 'user' : undefined;
}
