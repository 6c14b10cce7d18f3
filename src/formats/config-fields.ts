import {
  DEFAULT_LINKS,
  type CacheConfig,
  type Config,
  type EnvironmentConfig,
  type EnvironmentUids,
  type LinkKind,
  type SecretKey,
  type StoreConfig,
} from '../model/config.ts';
import { didYouMean } from '../util/suggest.ts';
import {
  choiceOf,
  entriesOf,
  fieldsOf,
  flagOf,
  itemsOf,
  parsedOf,
  reject,
  required,
  textOf,
  textsOf,
  wholeOf,
  type Field,
} from './fields.ts';
import { readLimits } from './resources-field.ts';

/** `part`: one file, which may leave to another what a store or environment needs. */
export type Extent = 'part' | 'whole';

const COLORS = ['auto', 'always', 'never'] as const;

/** The configuration of a root node. */
export function readConfig(root: Field, extent: Extent): Config {
  const fields = fieldsOf(root, ['stores', 'environments', 'limits', 'cache', 'jobs', 'color']);
  const stores = named(fields.get('stores'), (field, name) => readStore(field, name, extent));
  const environments = named(fields.get('environments'), (field, name) =>
    readEnvironment(field, name, extent),
  );
  if (extent === 'whole') checkStoreNames(root, stores, environments);
  return {
    stores,
    environments,
    limits: readLimits(fields.get('limits')),
    cache: readCache(fields.get('cache')),
    jobs: wholeOf(fields.get('jobs'), 1),
    color: choiceOf(fields.get('color'), COLORS) ?? 'auto',
  };
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

function named<Value>(
  field: Field | undefined,
  read: (field: Field, name: string) => Value,
): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  for (const { name, at, value } of entriesOf(field)) {
    if (!NAME.test(name)) {
      value.findings.add(
        at,
        `${JSON.stringify(name)} is no name`,
        'Names are letters, digits, ., - and _, and begin with a letter or digit.',
      );
    }
    values.set(name, read(value, name));
  }
  return values;
}

function readStore(field: Field, name: string, extent: Extent): StoreConfig {
  const fields = fieldsOf(field, ['url', 'region', 'endpoint', 'path_style', 'ca']);
  const url = extent === 'whole' ? required(field, fields, 'url') : fields.get('url');
  return {
    name,
    url:
      parsedOf(withSlugs(url, ['branch', 'user']), parseStoreUrl, 'Write s3://bucket/prefix or a folder.') ??
      '',
    region: textOf(fields.get('region')),
    endpoint: parsedOf(fields.get('endpoint'), parseWebUrl, 'Write https://host or https://host:port.'),
    pathStyle: flagOf(fields.get('path_style')) ?? false,
    ca: textOf(fields.get('ca')),
  };
}

function parseStoreUrl(text: string): string | undefined {
  if (text.startsWith('s3://')) return /^s3:\/\/[^/\s]+(\/\S*)?$/.test(text) ? text : undefined;
  return text === '' || /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text) ? undefined : text;
}

function parseWebUrl(text: string): string | undefined {
  return /^https?:\/\/[^/\s]+\/?$/.test(text) ? text : undefined;
}

/** A text in which `{name}` is replaced later; other names are refused. */
function withSlugs(field: Field | undefined, known: readonly string[]): Field | undefined {
  if (field?.node.kind !== 'text') return field;
  for (const [whole, name = ''] of field.node.text.matchAll(/\{([^{}]*)\}/g)) {
    if (known.includes(name)) continue;
    const cure = didYouMean(name, known) ?? `It may hold ${known.map((slug) => `{${slug}}`).join(' and ')}.`;
    reject(field, `${field.what} has ${whole}, which stands for nothing`, cure);
  }
  return field;
}

const ENVIRONMENT_FIELDS = [
  'branches',
  'write',
  'read',
  'publish',
  'trust',
  'executor',
  'namespace',
  'service_account',
  'uids',
  'credentials',
  'secrets',
  'agent_image',
  'env',
] as const;

const ALL_SLUGS = ['branch', 'user', 'stage'];

function readEnvironment(field: Field, name: string, extent: Extent): EnvironmentConfig {
  const fields = fieldsOf(field, ENVIRONMENT_FIELDS);
  const branches = extent === 'whole' ? required(field, fields, 'branches') : fields.get('branches');
  return {
    name,
    branches: textsOf(branches) ?? [],
    write: textOf(fields.get('write')),
    read: textsOf(fields.get('read')) ?? [],
    publish: parsedOf(
      withSlugs(fields.get('publish'), ['branch', 'user']),
      parseStoreUrl,
      'Write s3://bucket/prefix or a folder.',
    ),
    trust: choiceOf(fields.get('trust'), ['image']),
    executor: choiceOf(fields.get('executor'), ['local', 'kubernetes']) ?? 'local',
    namespace: textOf(withSlugs(fields.get('namespace'), ALL_SLUGS)),
    serviceAccount: textOf(withSlugs(fields.get('service_account'), ALL_SLUGS)),
    uids: readUids(fields.get('uids'), extent),
    credentials: readCredentials(fields.get('credentials'), extent),
    secrets: named(fields.get('secrets'), (own) => readSecretKey(own, extent)),
    agentImage: textOf(fields.get('agent_image')),
    env: new Map(entriesOf(fields.get('env')).map((entry) => [entry.name, textOf(entry.value) ?? ''])),
  };
}

function readUids(field: Field | undefined, extent: Extent): EnvironmentUids | undefined {
  if (field === undefined) return undefined;
  const fields = fieldsOf(field, ['main', 'stager', 'group']);
  const [main = 0, stager = 0, group = 0] = ['main', 'stager', 'group'].map((name) =>
    wholeOf(extent === 'whole' ? required(field, fields, name) : fields.get(name), 1),
  );
  return { main, stager, group };
}

function readCredentials(field: Field | undefined, extent: Extent): EnvironmentConfig['credentials'] {
  if (field === undefined) return undefined;
  const fields = fieldsOf(field, ['role', 'secret']);
  const [role, secret] = [textOf(fields.get('role')), textOf(fields.get('secret'))];
  if (role !== undefined && secret === undefined) return { role };
  if (secret !== undefined && role === undefined) return { secret };
  if (fields.size === 2 || extent === 'whole') reject(field, `${field.what} takes either a role or a secret`);
  return undefined;
}

function readSecretKey(field: Field, extent: Extent): SecretKey {
  const fields = fieldsOf(field, ['secret', 'key']);
  const [secret = '', key = ''] = ['secret', 'key'].map((name) =>
    textOf(extent === 'whole' ? required(field, fields, name) : fields.get(name)),
  );
  return { secret, key };
}

function readCache(field: Field | undefined): CacheConfig {
  if (field === undefined) return { dir: undefined, links: DEFAULT_LINKS };
  const fields = fieldsOf(field, ['dir', 'links']);
  return { dir: textOf(fields.get('dir')), links: readLinks(fields.get('links')) };
}

function readLinks(field: Field | undefined): readonly LinkKind[] {
  const items = itemsOf(field);
  if (field === undefined || items === undefined) return DEFAULT_LINKS;
  if (items.length === 0) reject(field, `${field.what} names no way`, `Write [${DEFAULT_LINKS.join(', ')}].`);
  return [...new Set(items.flatMap((item) => choiceOf(item, DEFAULT_LINKS) ?? []))];
}

function checkStoreNames(
  root: Field,
  stores: ReadonlyMap<string, StoreConfig>,
  environments: ReadonlyMap<string, EnvironmentConfig>,
): void {
  for (const { name, write, read } of environments.values()) {
    for (const store of write === undefined ? read : [write, ...read]) {
      if (stores.has(store)) continue;
      const cure = didYouMean(store, stores.keys()) ?? `Add it: stores: {${store}: {url: …}}`;
      reject(root, `environment ${name} names the store ${store}, which isn't configured`, cure);
    }
  }
}
