import { openS3Store } from '../../src/store/s3-store.ts';
import type { Store } from '../../src/store/store.ts';
import { useFakeS3 } from '../rig/use-fake-s3.ts';
import { describeStore } from './store.ts';

const fake = await useFakeS3();
let made = 0;

function openIn(folder: string, prefix: string): Promise<Store> {
  return openS3Store({
    url: `s3://test/${prefix}`,
    endpoint: fake.endpoint,
    region: 'us-east-1',
    pathStyle: true,
    env: { AWS_ACCESS_KEY_ID: 'AKFAKE', AWS_SECRET_ACCESS_KEY: 'secret' },
    now: Date.now,
    random: () => 0,
    tempFolder: folder,
    // Small enough that the suite's large file goes up in parts and comes by ranges.
    tuning: { partsFrom: 1 << 20, partBytes: 1 << 18, rangeBytes: 1 << 18, memoryBytes: 1 << 20 },
  });
}

for (const conditional of ['honoured', 'ignored', 'refused'] as const) {
  describeStore(`S3 (fake, create-only writes ${conditional})`, async (folder) => {
    fake.calm();
    fake.settings.conditional = conditional;
    fake.settings.pageKeys = 2;
    const prefix = `store-${++made}`;
    return {
      store: await openIn(folder, prefix),
      flip: (digest) => {
        const key = `${prefix}/objects/${digest.slice(0, 2)}/${digest}`;
        const bytes = Buffer.from(fake.read(key) ?? '');
        bytes.writeUInt8(0xff, 0);
        fake.write(key, bytes);
      },
      reopen: () => openIn(folder, prefix),
    };
  });
}
