import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';

const folder = new URL('../../schemas/', import.meta.url);
const ajv = new Ajv2020({ allErrors: true, strict: false, formats: { 'date-time': true } });
for (const file of readdirSync(folder))
  ajv.addSchema(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as object);

/** Fails the test where a document isn't what its schema (`status`, `log`, `event` …) says. */
export function expectSchema(name: string, document: unknown): void {
  const validate = ajv.getSchema(`urn:datawf:schema:${name}`);
  if (validate === undefined) throw new Error(`there is no schema ${name}`);
  void validate(document);
  expect(validate.errors ?? [], `${name}: ${JSON.stringify(document).slice(0, 500)}`).toEqual([]);
}
