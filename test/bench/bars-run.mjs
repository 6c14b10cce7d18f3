import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asRatio } from './bars-data.mjs';
import { changeTen, commitAll, makeFiles, makeRepository } from './fixtures.mjs';
import { alternate, datawf, median, run } from './measure.mjs';

/** Bars over starting and running, as bars-data.mjs. */

const node = () => run([process.execPath, '-e', '0']);

const startVersion = {
  number: 11,
  part: 'a',
  title: '--version / node -e 0',
  limit: 2.5,
  then: 2,
  needs: [],
  measure: async ({ rounds }) =>
    asRatio(await alternate(rounds * 4, { subject: () => datawf(['--version']), peer: node })),
};

const startStatus = {
  number: 11,
  part: 'b',
  title: 'status on 100 files / node -e 0',
  limit: 4,
  then: 3,
  needs: [],
  measure: async ({ folder, rounds }) => {
    const root = join(folder('start'), 'repo');
    await makeRepository(root);
    makeFiles(join(root, 'data'), { count: 100, size: 64, seed: 's' });
    await datawf(['add', 'data'], { cwd: root });
    await commitAll(root, 'data');
    await datawf(['status'], { cwd: root });
    return asRatio(
      await alternate(rounds * 4, { subject: () => datawf(['status'], { cwd: root }), peer: node }),
    );
  },
};

/** A node script that runs shell commands two at a time and nothing else. */
const SPAWN_LOOP = `
const { spawn } = require('node:child_process');
const count = Number(process.argv[1]);
let next = 0;
const turn = () => {
  if (next >= count) return;
  const child = spawn('/bin/sh', ['-c', ': > "out/' + next++ + '"'], { stdio: 'ignore' });
  child.on('close', turn);
};
turn();
turn();
`;

const perDatum = {
  number: 14,
  title: 'overhead per trivial datum over a bare spawn loop, 1000 of them, -j 2, ms',
  limit: 5,
  then: 1,
  needs: [],
  measure: async ({ folder, rounds, scale }) => {
    const count = Math.ceil(1000 * scale);
    const times = await alternate(rounds, {
      prepare: async (round) => {
        const own = folder(`datums-${round}`);
        const root = join(own, 'repo');
        await makeRepository(root);
        makeFiles(join(root, 'in'), { count, size: 16, seed: `s${round}`, perFolder: count });
        const text =
          'stages:\n  copy:\n    cmd: \': > "$out"\'\n    deps: {in: "in/part-0000/{name}.csv"}\n    outs: {out: "out/{name}.txt"}\n';
        writeFileSync(join(root, 'datawf.yaml'), text);
        await datawf(['add', 'in'], { cwd: root });
        await commitAll(root, 'start');
        mkdirSync(join(own, 'out'));
        return { own, root };
      },
      subject: ({ root }) => datawf(['repro', '-j', '2'], { cwd: root }),
      peer: ({ own }) => run([process.execPath, '-e', SPAWN_LOOP, String(count)], { cwd: own }),
    });
    const { subject, peer } = asRatio(times);
    return { subject, peer, value: (subject - peer) / count };
  },
};

const manyStages = {
  number: 15,
  title: 'first repro of 600 trivial stages / make -j2',
  limit: 5,
  then: 2,
  needs: ['make'],
  measure: async ({ folder, rounds, scale }) => {
    const names = Array.from({ length: Math.ceil(600 * scale) }, (_, index) => `s${index}`);
    const times = await alternate(rounds, {
      prepare: async (round) => {
        const own = folder(`stages-${round}`);
        const root = join(own, 'repo');
        await makeRepository(root);
        const stages = names.map(
          (name) => `  ${name}:\n    cmd: 'echo ${round} > "$out"'\n    outs: {out: "out/${name}.txt"}\n`,
        );
        writeFileSync(join(root, 'datawf.yaml'), `stages:\n${stages.join('')}`);
        await commitAll(root, 'start');
        mkdirSync(join(own, 'make/out'), { recursive: true });
        const rules = names.map((name) => `out/${name}.txt:\n\t@echo ${round} > $@\n`);
        writeFileSync(
          join(own, 'make/Makefile'),
          `all: ${names.map((name) => `out/${name}.txt`).join(' ')}\n${rules.join('')}`,
        );
        return { own, root };
      },
      subject: ({ root }) => datawf(['repro', '-j', '2'], { cwd: root }),
      peer: ({ own }) => run(['make', '-j2'], { cwd: join(own, 'make') }),
    });
    return asRatio(times);
  },
};

function planAfterTen(count, part, million) {
  return {
    number: 16,
    part,
    title: `plan after 10 of ${count} files changed / no-op status`,
    limit: 1.3,
    then: 1.1,
    needs: [],
    million,
    measure: async (context) => {
      const own = context.folder(`plan-${count}`);
      const root = join(own, 'repo');
      await makeRepository(root);
      const paths = makeFiles(join(root, 'data'), {
        count: Math.ceil(count * context.scale),
        size: 64,
        seed: 'p',
      });
      await datawf(['add', 'data'], { cwd: root });
      const text =
        'stages:\n  count:\n    cmd: \'wc -l < "$DATAWF_INPUTS" > "$out"\'\n    deps: {data: "data/"}\n    outs: {out: count.txt}\n';
      writeFileSync(join(root, 'datawf.yaml'), text);
      await commitAll(root, 'data');
      await datawf(['repro'], { cwd: root });
      const noop = [];
      const plan = [];
      for (let round = 0; round < context.rounds; round++) {
        await datawf(['status'], { cwd: root });
        noop.push((await datawf(['status'], { cwd: root })).ms);
        changeTen(join(root, 'data'), paths, round);
        plan.push((await datawf(['repro', '--dry-run'], { cwd: root })).ms);
        await datawf(['add', 'data'], { cwd: root });
        await datawf(['repro'], { cwd: root });
      }
      return { subject: median(plan), peer: median(noop), ratio: median(plan) / median(noop) };
    },
  };
}

export const runBars = [
  startVersion,
  startStatus,
  perDatum,
  manyStages,
  planAfterTen(100_000, 'a', false),
  planAfterTen(1_000_000, 'b', true),
];
