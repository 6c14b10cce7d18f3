import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { changeTen, commitAll, makeFiles, makeLargeFile, makeRepository } from './fixtures.mjs';
import { alternate, benchEnv, datawf, median, run, sh } from './measure.mjs';

/*
 * Bars over data of docs/performance.md. A bar answers medians in milliseconds (`subject`, `peer`) and their `ratio`, or one
 * `value`; `limit` is what is to be met first, `then` the one after.
 */

const hashAll = 'find src -type f -print0 | xargs -0 -n 512 -P 2 b3sum > /dev/null';

function addMany(number, limits, files) {
  return {
    number,
    title: `add ${files.count} × ${files.size / 1024} KiB / (find | xargs -P2 b3sum) + cp -al`,
    ...limits,
    needs: ['b3sum', 'cp', 'find', 'xargs'],
    measure: async ({ folder, rounds, scale }) => {
      const count = Math.ceil(files.count * scale);
      const times = await alternate(rounds, {
        prepare: async (round) => {
          const own = folder(`add-${number}-${round}`);
          const root = join(own, 'repo');
          await makeRepository(root);
          makeFiles(join(root, 'data'), { ...files, count, seed: `s${round}` });
          makeFiles(join(own, 'src'), { ...files, count, seed: `p${round}` });
          return { own, root };
        },
        subject: ({ root }) => datawf(['add', 'data'], { cwd: root }),
        peer: ({ own }) => sh(`${hashAll} && cp -al src copy`, { cwd: own }),
      });
      return asRatio(times);
    },
  };
}

const addLarge = {
  number: 3,
  title: 'add one 1 GiB file / b3sum --num-threads 1',
  limit: 1.5,
  then: 1.15,
  needs: ['b3sum'],
  measure: async ({ folder, rounds, scale }) => {
    const size = Math.ceil(1024 * scale);
    const peerFile = join(folder('large-peer'), 'large.bin');
    makeLargeFile(peerFile, size);
    const times = await alternate(rounds, {
      prepare: async (round) => {
        const root = join(folder(`large-${round}`), 'repo');
        await makeRepository(root);
        makeLargeFile(join(root, 'large.bin'), size);
        return root;
      },
      subject: (root) => datawf(['add', 'large.bin'], { cwd: root }),
      peer: () => run(['b3sum', '--num-threads', '1', peerFile]),
    });
    return asRatio(times);
  },
};

/** A repository with recorded data, and beside it one with the same files tracked by git. */
async function recorded(context, count) {
  return context.once(`recorded-${count}`, async (own) => {
    const root = join(own, 'repo');
    await makeRepository(root);
    const paths = makeFiles(join(root, 'data'), { count, size: 64, seed: 'r' });
    await datawf(['add', 'data'], { cwd: root });
    await commitAll(root, 'data');
    const tracked = join(own, 'tracked');
    await sh(`mkdir tracked && cd tracked && git init --quiet && cp -r ../repo/data data && git add data`, {
      cwd: own,
    });
    await commitAll(tracked, 'data');
    return { root, tracked, paths };
  });
}

function noopStatus(number, limits, count) {
  return {
    number,
    title: `no-op status, ${count} files / git status`,
    ...limits,
    needs: ['git'],
    million: count >= 1e6,
    measure: async (context) => {
      const { root, tracked } = await recorded(context, Math.ceil(count * context.scale));
      const subject = () => datawf(['status'], { cwd: root });
      const peer = () => run(['git', 'status', '--short'], { cwd: tracked });
      await subject();
      await peer();
      return asRatio(await alternate(context.rounds, { subject, peer }));
    },
  };
}

const checkoutAll = {
  number: 6,
  title: 'checkout of 100000 hard links / cp -al',
  limit: 1.0,
  then: 0.6,
  needs: ['cp'],
  measure: async (context) => {
    const { root } = await recorded(context, Math.ceil(100_000 * context.scale));
    const times = await alternate(context.rounds, {
      prepare: async (round) => {
        const own = context.folder(`worktree-${round}`);
        await run(['git', 'worktree', 'add', '--quiet', '--detach', join(own, 'tree')], { cwd: root });
        return own;
      },
      subject: (own) => datawf(['checkout'], { cwd: join(own, 'tree') }),
      peer: (own) => run(['cp', '-al', join(root, 'data'), join(own, 'copy')]),
    });
    return asRatio(times);
  },
};

/** The recorded repository with a second version, ten files away from the first. */
async function twoVersions(context, count) {
  const { root, paths } = await recorded(context, count);
  return context.once(`versions-${count}`, async () => {
    await run(['git', 'tag', 'first'], { cwd: root });
    changeTen(join(root, 'data'), paths, 'second');
    await datawf(['add', 'data'], { cwd: root });
    await commitAll(root, 'ten changed');
    await run(['git', 'tag', 'second'], { cwd: root });
    return { root };
  });
}

const checkoutTen = {
  number: 7,
  title: 'checkout of a version with 10 of 100000 changed / no-op status',
  limit: 1.5,
  then: 1.1,
  needs: ['git'],
  measure: async (context) => {
    const { root } = await twoVersions(context, Math.ceil(100_000 * context.scale));
    const times = await alternate(context.rounds, {
      prepare: async (round) => {
        await datawf(['checkout'], { cwd: root });
        await datawf(['status'], { cwd: root });
        return round % 2 === 0 ? 'first' : 'second';
      },
      subject: async (version) => {
        await run(['git', 'checkout', '--quiet', version], { cwd: root });
        return datawf(['checkout'], { cwd: root });
      },
      peer: () => datawf(['status'], { cwd: root }),
    });
    await run(['git', 'checkout', '--quiet', 'main'], { cwd: root });
    await datawf(['checkout'], { cwd: root });
    return asRatio(times);
  },
};

const memory = {
  number: 12,
  title: 'peak memory of no-op status, 1000000 files, MB',
  limit: 400,
  then: 250,
  needs: ['git'],
  million: true,
  measure: async (context) => {
    const { root } = await recorded(context, Math.ceil(1e6 * context.scale));
    const peaks = [];
    for (let round = 0; round < context.rounds; round++) {
      peaks.push((await datawf(['status'], { cwd: root, memory: true })).peakMB);
    }
    return { value: median(peaks) };
  },
};

const trackedBytes = {
  number: 13,
  title: 'tracked bytes that git gains by changing 10 of 100000 files',
  limit: 500,
  then: 300,
  needs: ['git'],
  measure: async (context) => {
    const { root } = await twoVersions(context, Math.ceil(100_000 * context.scale));
    const git = (...args) => execFileSync('git', args, { cwd: root, env: benchEnv(), encoding: 'utf8' });
    const changed = git('diff', '--name-only', '-z', 'first', 'second').split('\0').filter(Boolean);
    return { value: changed.reduce((sum, path) => sum + Number(git('cat-file', '-s', `second:${path}`)), 0) };
  },
};

/** Medians and their ratio. */
export function asRatio({ subject, peer }) {
  const own = median(subject);
  if (peer.length === 0) return { subject: own };
  const other = median(peer);
  return { subject: own, peer: other, ratio: own / other, rounds: { subject, peer } };
}

export const dataBars = [
  addMany(1, { limit: 1.0, then: 0.7 }, { count: 100_000, size: 1024 }),
  addMany(2, { limit: 1.1, then: 0.9 }, { count: 10_000, size: 100 * 1024 }),
  addLarge,
  noopStatus(4, { limit: 3, then: 1.6 }, 100_000),
  noopStatus(5, { limit: 1.5, then: 0.85 }, 1_000_000),
  checkoutAll,
  checkoutTen,
  memory,
  trackedBytes,
];
