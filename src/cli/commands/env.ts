import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import type { Bind } from '../session.ts';

/** `datawf env list` */
export function buildList(command: Command, bind: Bind): void {
  addExamples(command, [['datawf env list', 'what branches may use; * marks that of this branch']]);
  command.action(
    bind(async (session) => {
      const { listEnvironments } = await import('../../app/environments.ts');
      const environments = await listEnvironments(await session.open());
      await session.answer(environments, async (look) => {
        const { environmentsText } = await import('../../ui/env-screen.ts');
        return environmentsText(environments, look);
      });
      return undefined;
    }),
  );
}

/** `datawf env show [NAME]` */
export function buildShow(command: Command, bind: Bind): void {
  command.argument('[name]', 'an environment; that of the branch without');
  addExamples(command, [
    ['datawf env show', 'which stores this branch writes and reads, and where it runs'],
    ['datawf env show production', 'of another one'],
  ]);
  command.action(
    bind(async (session, [name]: [string | undefined]) => {
      const { showEnvironment } = await import('../../app/environments.ts');
      const report = await showEnvironment(await session.open(), name);
      await session.answer(report, async (look) => {
        const { environmentText } = await import('../../ui/env-screen.ts');
        return environmentText(report, look);
      });
      return undefined;
    }),
  );
}

interface ManifestOptions {
  readonly part?: 's3' | 'kubernetes';
  readonly format?: 'yaml' | 'json';
  readonly issuer?: string;
  readonly writer: readonly string[];
  readonly user: readonly string[];
  readonly group: readonly string[];
}

/** `datawf env manifest [NAME]` */
export function buildManifest(command: Command, bind: Bind): void {
  const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  command
    .argument('[name]', 'an environment; all without')
    .addOption(command.createOption('--part <PART>', 'only one side').choices(['s3', 'kubernetes']))
    .addOption(command.createOption('--format <FORMAT>', 'yaml, or json as --json').choices(['yaml', 'json']))
    .option('--issuer <URL>', "the cluster's issuer of tokens, for the roles' trust policies")
    .option('--writer <ARN>', 'who else may write where production writes (may be repeated)', gather, [])
    .option('--user <NAME>', 'who works in the environment, as the cluster knows them (repeated)', gather, [])
    .option('--group <NAME>', 'a group of them; datawf-NAME without any (repeated)', gather, []);
  addExamples(command, [
    ['datawf env manifest', 'all that administrators apply, to read'],
    ['datawf env manifest test --part kubernetes --group data | kubectl apply -f -', 'on a cluster'],
    ['datawf env manifest --part s3 --json', 'policies for roles and buckets'],
  ]);
  command.action(
    bind(async (session, [name]: [string | undefined], options: ManifestOptions) => {
      const { environmentManifest } = await import('../../app/env-manifest.ts');
      const { writer: writers, user: users, group: groups, issuer } = options;
      const manifest = await environmentManifest(await session.open(), {
        environment: name,
        issuer,
        writers,
        users,
        groups,
      });
      const wanted = options.part === undefined ? manifest : manifest[options.part];
      if (options.format === 'json') session.output.json(wanted);
      else {
        await session.answer(wanted, async () => {
          const { yamlText } = await import('../../formats/yaml-document.ts');
          return wanted === manifest.kubernetes
            ? manifest.kubernetes.items.map((item) => `---\n${yamlText(item)}`).join('')
            : yamlText(wanted);
        });
      }
      return undefined;
    }),
  );
}
