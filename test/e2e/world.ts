import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { listKeys } from '../../src/store/s3-list.ts';
import { CLUSTER_S3, rawClient } from '../rig/real-s3.ts';
import { filesBelow, openStory, type Story } from './story.ts';

/** Where the stores of a story are, so that it can be told of folders and of buckets. */
export interface World {
  readonly story: Story;
  /** A store's URL by its name. */
  url(name: string): string;
  /** A store of `.datawf/config.yaml`, in braces. */
  store(name: string): string;
  /** Names below a store, sorted. */
  names(store: string): Promise<readonly string[]>;
  read(store: string, name: string): Promise<string>;
  write(store: string, name: string, text: string): Promise<void>;
  remove(store: string, name: string): Promise<void>;
}

/** Opens a world for the running test; all of it is gone afterwards. */
export type OpenWorld = (pipeline?: string) => Promise<World>;

/** Configures a production, which `main` writes, and a store of its own for every other branch. */
export function writeEnvironments({ story, store }: World): void {
  story.write(
    '.datawf/config.yaml',
    `stores:
  production: ${store('prod')}
  trial: ${store('branches/{branch}')}
environments:
  production: {branches: [main], write: production}
  test: {branches: ["**"], write: trial, read: [production]}
`,
  );
}

/** Stores in folders beside the repository. */
export const onDisk: OpenWorld = async (pipeline) => {
  const story = await openStory(pipeline);
  const at = (store: string, name = '.'): string => join(story.path('..'), store, name);
  return {
    story,
    url: (name) => at(name),
    store: (name) => `{url: "${at(name)}"}`,
    names: async (store) => filesBelow(at(store)),
    read: async (store, name) => readFileSync(at(store, name), 'utf8'),
    write: async (store, name, text) => {
      story.write(join('..', store, name), text);
    },
    remove: async (store, name) => {
      story.remove(join('..', store, name));
    },
  };
};

/** Stores below a prefix of a real bucket. */
export const onS3: OpenWorld = async (pipeline) => {
  const server = CLUSTER_S3;
  if (server === undefined) throw new Error('DATAWF_TEST_S3_ENDPOINT is not set');
  const { endpoint, bucket, env } = server;
  const keys = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_REGION'];
  const own = Object.fromEntries(
    keys.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
  const story = await openStory(pipeline, { env: own });
  const prefix = `e2e/${randomUUID()}`;
  const client = rawClient(server);
  const keysBelow = async (folder: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of listKeys(client, { prefix: folder, limit: Infinity })) found.push(key);
    return found.sort();
  };
  const remove = (key: string) => client.send({ method: 'DELETE', action: 's3:DeleteObject', key });
  onTestFinished(async () => {
    for (const key of await keysBelow(`${prefix}/`)) await remove(key);
    client.close();
  });
  return {
    story,
    url: (name) => `s3://${bucket}/${prefix}/${name}`,
    store: (name) => `{url: "s3://${bucket}/${prefix}/${name}", endpoint: "${endpoint}", path_style: true}`,
    names: async (store) => {
      const folder = `${prefix}/${store}/`;
      return (await keysBelow(folder)).map((key) => key.slice(folder.length));
    },
    read: async (store, name) => {
      const key = `${prefix}/${store}/${name}`;
      return (await client.send({ method: 'GET', action: 's3:GetObject', key })).body.toString();
    },
    write: async (store, name, text) => {
      const key = `${prefix}/${store}/${name}`;
      await client.send({ method: 'PUT', action: 's3:PutObject', key, body: Buffer.from(text) });
    },
    remove: async (store, name) => {
      await remove(`${prefix}/${store}/${name}`);
    },
  };
};
