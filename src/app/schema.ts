import { readdirSync, readFileSync } from 'node:fs';
import { notFound } from '../model/problem.ts';
import { didYouMean } from '../util/suggest.ts';

/** A JSON Schema that ships with datawf. */
export interface SchemaName {
  readonly name: string;
  readonly title: string;
}

const SUFFIX = '.schema.json';

/** The schemas in the package's folder, sorted. */
export function listSchemas(folder: URL): readonly SchemaName[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(SUFFIX));
  return files.sort().map((file) => {
    const schema = JSON.parse(readFileSync(new URL(`${folder.href}/${file}`), 'utf8')) as { title?: string };
    return { name: file.slice(0, -SUFFIX.length), title: schema.title ?? '' };
  });
}

/** Text of one schema by its name, also with a suffix (`datawf.yaml`, `status.schema.json`). Throws `no-schema` (exit 4). */
export function readSchema(folder: URL, typed: string): string {
  const names = listSchemas(folder).map((schema) => schema.name);
  const name = [typed, typed.replace(/\.schema\.json$/, ''), typed.replace(/\.(json|ya?ml)$/, '')].find(
    (text) => names.includes(text),
  );
  if (name === undefined) {
    throw notFound(
      'no-schema',
      `there is no schema "${typed}"`,
      didYouMean(typed, names) ?? 'See: datawf schema',
    );
  }
  return readFileSync(new URL(`${folder.href}/${name}${SUFFIX}`), 'utf8');
}
