import type { Command } from 'commander';
import { addExamples } from '../examples.ts';
import { packagePath } from '../host.ts';
import type { Bind } from '../session.ts';

/** `datawf schema [NAME]` */
export function build(command: Command, bind: Bind): void {
  command.argument('[name]', 'of a tracked file or an answer; without it the names are listed');
  addExamples(command, [
    ['datawf schema', 'which schemas there are'],
    ['datawf schema datawf.yaml > datawf.schema.json', 'the one of a workflow, for an editor'],
  ]);
  command.action(
    bind(async (session, [name]: [string?]) => {
      const { listSchemas, readSchema } = await import('../../app/schema.ts');
      const folder = packagePath('schemas');
      if (name !== undefined) {
        session.output.data(readSchema(folder, name));
        return undefined;
      }
      const schemas = listSchemas(folder);
      await session.answer(schemas, async (look) => {
        const { alignRows } = await import('../../ui/table.ts');
        const rows = schemas.map((schema) => [`  ${look.style.bold(schema.name)}`, schema.title]);
        return `${alignRows(rows).join('\n')}\n`;
      });
      return undefined;
    }),
  );
}
