import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asRatio } from './bars-data.mjs';
import { changeTen, commitAll, makeFiles, makeLargeFile, makeRepository } from './fixtures.mjs';
import { alternate, benchEnv, datawf, median, run } from './measure.mjs';

/*
 * Bars over S3 of docs/performance.md: against the server that DATAWF_TEST_S3_ENDPOINT names, with keys in AWS's variables,
 * and its bucket `datawf`. What they write stays there, below `bench/`.
 */

const endpoint = process.env.DATAWF_TEST_S3_ENDPOINT;
const bucket = process.env.DATAWF_TEST_S3_BUCKET ?? 'datawf';
const needsEnv = ['DATAWF_TEST_S3_ENDPOINT', 'AWS_ACCESS_KEY_ID'];
const peer = fileURLToPath(new URL('s3-peer.mjs', import.meta.url));

function runPeer(...args) {
  const env = { ...benchEnv(), DATAWF_S3_PEER: endpoint };
  return run([process.execPath, peer, ...args], { env });
}

/** A repository whose data are recorded and whose store is a new prefix. */
async function makeSource(root, fill) {
  await makeRepository(root);
  const paths = fill(root);
  const prefix = `bench/${randomUUID()}`;
  const settings = { url: `s3://${bucket}/${prefix}`, endpoint, path_style: 'true' };
  for (const [name, value] of Object.entries(settings)) {
    await datawf(['config', 'set', `stores.s3.${name}`, value], { cwd: root });
  }
  await datawf(['add', 'data'], { cwd: root });
  await commitAll(root, 'data');
  return { root, prefix, paths };
}

const pushSmall = {
  number: 8,
  title: 'push of 10000 × 1 KiB / a loop of signed PUTs',
  limit: 2,
  then: 1.3,
  needsEnv,
  measure: async ({ folder, rounds, scale }) => {
    const count = Math.ceil(10_000 * scale);
    const times = await alternate(rounds, {
      prepare: (round) =>
        makeSource(join(folder(`push-${round}`), 'repo'), (root) =>
          makeFiles(join(root, 'data'), { count, size: 1024, seed: randomUUID() }),
        ),
      subject: ({ root }) => datawf(['push'], { cwd: root }),
      peer: ({ root, prefix }) => runPeer('put', join(root, 'data'), `/${bucket}/${prefix}-peer`),
    });
    return asRatio(times);
  },
};

async function makeLarge(root, scale) {
  return makeSource(root, () => makeLargeFile(join(root, 'data'), Math.ceil(1024 * scale), randomUUID()));
}

const pushLarge = {
  number: 9,
  part: 'a',
  title: 'push of 1 GiB / a plain multipart upload',
  limit: 1.5,
  then: 1.2,
  needsEnv,
  measure: async ({ folder, rounds, scale }) => {
    const times = await alternate(rounds, {
      prepare: (round) => makeLarge(join(folder(`push-large-${round}`), 'repo'), scale),
      subject: ({ root }) => datawf(['push'], { cwd: root }),
      peer: ({ root, prefix }) => runPeer('parts', join(root, 'data'), `/${bucket}/${prefix}-peer`),
    });
    return asRatio(times);
  },
};

const pullLarge = {
  number: 9,
  part: 'b',
  title: 'pull of 1 GiB / curl',
  limit: 1.5,
  then: 1.2,
  needs: ['curl'],
  needsEnv,
  measure: async ({ folder, rounds, scale }) => {
    const { root, prefix } = await makeLarge(join(folder('pull-large'), 'repo'), scale);
    await datawf(['push'], { cwd: root });
    const key = `/${bucket}/${prefix}-peer`;
    await runPeer('parts', join(root, 'data'), key);
    const user = `${process.env.AWS_ACCESS_KEY_ID}:${process.env.AWS_SECRET_ACCESS_KEY}`;
    const signed = [
      '--aws-sigv4',
      'aws:amz:us-east-1:s3',
      '--user',
      user,
      '-H',
      'x-amz-content-sha256: UNSIGNED-PAYLOAD',
    ];
    const times = await alternate(rounds, {
      prepare: async (round) => {
        const own = folder(`pull-large-${round}`);
        await run(['git', 'clone', '--quiet', root, join(own, 'clone')]);
        return own;
      },
      subject: (own) => datawf(['pull'], { cwd: join(own, 'clone') }),
      peer: (own) => run(['curl', '-sSf', ...signed, `${endpoint}${key}`, '-o', join(own, 'file')]),
    });
    return asRatio(times);
  },
};

/** 5 GiB in the store, with the peak of the push that brought them there. */
async function pushedHuge(context) {
  return context.once('s3-huge', async (own) => {
    const { root } = await makeLarge(join(own, 'repo'), 5 * context.scale);
    const { peakMB } = await datawf(['push'], { cwd: root, memory: true });
    return { root, peakMB };
  });
}

const pushMemory = {
  number: 9,
  part: 'c',
  title: 'peak memory (MB) of a push of 5 GiB',
  limit: 300,
  then: 300,
  million: true,
  needsEnv,
  measure: async (context) => ({ value: (await pushedHuge(context)).peakMB }),
};

const pullMemory = {
  number: 9,
  part: 'd',
  title: 'peak memory (MB) of a pull of 5 GiB',
  limit: 300,
  then: 300,
  million: true,
  needsEnv,
  measure: async (context) => {
    const { root } = await pushedHuge(context);
    const clone = join(context.folder('pull-huge'), 'clone');
    await run(['git', 'clone', '--quiet', root, clone]);
    const { peakMB } = await datawf(['pull'], { cwd: clone, memory: true });
    return { value: peakMB };
  },
};

/** What the last line of `--json` says of its requests. */
async function requestsOf(root) {
  const { stdout } = await datawf(['push', '--json'], { cwd: root });
  return JSON.parse(stdout.trim().split('\n').at(-1)).requests;
}

async function pushed(context) {
  return context.once('s3-pushed', async (own) => {
    const count = Math.ceil(100_000 * context.scale);
    const source = await makeSource(join(own, 'repo'), (root) =>
      makeFiles(join(root, 'data'), { count, size: 64, seed: randomUUID() }),
    );
    await datawf(['push'], { cwd: source.root });
    return source;
  });
}

const requestsOfNothing = {
  number: 10,
  part: 'a',
  title: 'requests of a push of 100000 files, none of them new',
  limit: 3,
  then: 1,
  needsEnv,
  measure: async (context) => ({ value: await requestsOf((await pushed(context)).root) }),
};

const requestsOfTen = {
  number: 10,
  part: 'b',
  title: 'requests of a push of 100000 files, ten of them changed',
  limit: 40,
  then: 25,
  needsEnv,
  measure: async (context) => {
    const { root, paths } = await pushed(context);
    const found = [];
    for (let round = 0; round < context.rounds; round++) {
      changeTen(join(root, 'data'), paths, randomUUID());
      await datawf(['add', 'data'], { cwd: root });
      await commitAll(root, 'ten changed');
      found.push(await requestsOf(root));
    }
    return { value: median(found) };
  },
};

export const s3Bars = [
  pushSmall,
  pushLarge,
  pullLarge,
  pushMemory,
  pullMemory,
  requestsOfNothing,
  requestsOfTen,
];
