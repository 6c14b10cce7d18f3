import type { Command } from 'commander';
import { invalid, type ExitCode } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface Options {
  readonly refresh?: boolean;
  readonly dryRun?: boolean;
}

/** `datawf adopt SOURCE PATH`, `datawf adopt --refresh PATH` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('<source>', 's3://bucket/prefix, or a folder or file; with --refresh the path instead')
    .argument('[path]', 'where the data are in the repository; nothing is there yet')
    .option('--refresh', 'look at the source again, and record what differs')
    .option('-n, --dry-run', 'show what would be read, and record nothing');
  addExamples(command, [
    ['datawf adopt s3://archive/daily data/raw', 'files of a bucket as a dataset, without copying them'],
    ['datawf adopt --refresh data/raw', 'what is new or changed there'],
  ]);
  command.action(
    bind(
      async (session, [first, second]: [string, string?], { refresh = false, dryRun = false }: Options) => {
        if (refresh === (second !== undefined)) {
          throw invalid(
            'usage',
            refresh
              ? '--refresh takes a path alone'
              : 'a source needs the path that it gets in the repository',
            'datawf adopt s3://bucket/prefix data/raw, or datawf adopt --refresh data/raw',
          );
        }
        const context = await session.open('work');
        const { adopt } = await import('../../app/adopt.ts');
        const request = { source: refresh ? undefined : first, path: second ?? first, dryRun };
        return (await adopt(context, request)).exit as ExitCode;
      },
    ),
  );
}
