import type { Command } from 'commander';
import { invalid } from '../../model/problem.ts';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

interface Options {
  readonly port: string;
  readonly host: string;
}

/** `datawf serve [--port N] [--host ADDRESS]` */
export function build(command: Command, bind: Bind): void {
  command
    .option('--port <n>', 'port to listen at; 0 takes any that is free', '7080')
    .option('--host <address>', 'address to listen at; 0.0.0.0 lets other machines read', '127.0.0.1');
  addExamples(command, [
    ['datawf serve', 'all versions, at http://127.0.0.1:7080'],
    ['aws --endpoint-url http://127.0.0.1:7080 --no-sign-request s3 ls s3://main/', 'as S3'],
    ['curl http://127.0.0.1:7080/v1/data/clean/2024-05-01.csv', 'a file as it was at a tag'],
  ]);
  command.action(
    bind(async (session, _words: [], { port, host }: Options) => {
      const context = await session.open();
      const [{ serve }, { bucketOf }] = await Promise.all([
        import('../../app/serve.ts'),
        import('../../app/served-refs.ts'),
      ]);
      const serving = await serve(context, { port: portOf(port), host });
      const { closed, ...address } = serving;
      if (session.globals.json) session.output.data(`${JSON.stringify(address)}\n`);
      else {
        session.output.data(`${serving.url}\n`);
        const { branch = 'HEAD' } = await context.workspace.head();
        if (!session.globals.quiet) session.output.words(howToAsk(serving.url, bucketOf(branch)));
      }
      await closed;
      return undefined;
    }),
  );
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  throw invalid(
    'bad-port',
    `${JSON.stringify(text)} is no port`,
    'Name a number up to 65535; 0 takes any that is free.',
  );
}

function howToAsk(url: string, bucket: string): string {
  return `Every branch, tag and commit is a bucket there, read-only, until Ctrl-C:
  curl ${url}/${bucket}/
  aws --endpoint-url ${url} --no-sign-request s3 ls s3://${bucket}/
  duckdb -c "SET s3_endpoint='${url.slice('http://'.length)}'; SET s3_use_ssl=false; SET s3_url_style='path'; FROM 's3://${bucket}/…/*.parquet'"
`;
}
