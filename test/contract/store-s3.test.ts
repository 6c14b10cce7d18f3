import { randomUUID } from 'node:crypto';
import { describe, test } from 'vitest';
import { openS3Store } from '../../src/store/s3-store.ts';
import type { Store } from '../../src/store/store.ts';
import { CLUSTER_S3, rawClient } from '../rig/real-s3.ts';
import { describeStore } from './store.ts';

// Runs where a real S3 is named: `npm run test:s3` (docs/s3.md).
if (CLUSTER_S3 === undefined) {
  describe('a store on a real S3', () => {
    test.skip('is tried where DATAWF_TEST_S3_ENDPOINT is set', () => {});
  });
} else {
  const server = CLUSTER_S3;
  const { endpoint, bucket, env } = server;
  const open = (folder: string, prefix: string): Promise<Store> =>
    openS3Store({
      url: `s3://${bucket}/${prefix}`,
      endpoint,
      pathStyle: true,
      env,
      now: Date.now,
      random: Math.random,
      tempFolder: folder,
    });

  describeStore('S3', async (folder) => {
    const prefix = `contract/${randomUUID()}`;
    return {
      store: await open(folder, prefix),
      reopen: () => open(folder, prefix),
      flip: async (digest) => {
        const client = rawClient(server);
        const key = `${prefix}/objects/${digest.slice(0, 2)}/${digest}`;
        await client.send({ method: 'PUT', action: 's3:PutObject', key, body: Buffer.from('damaged') });
        client.close();
      },
    };
  });
}
