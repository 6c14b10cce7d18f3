import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { GcReport } from '../../src/model/keep-report.ts';
import { openRig, type Rig } from './rig.ts';
import { openStory } from './story.ts';

const LONG_AGO = { GIT_COMMITTER_DATE: '2020-01-01T00:00:00Z', GIT_AUTHOR_DATE: '2020-01-01T00:00:00Z' };

/** Records what lies in data and commits it, long ago. */
async function commitOld(rig: Rig, message: string): Promise<void> {
  await rig.succeed('add', 'data');
  await rig.git('add', '--all');
  const { code } = await rig.run(['git', 'commit', '--quiet', '-m', message], { env: LONG_AGO });
  expect(code).toBe(0);
}

async function withVersions(...texts: readonly string[]): Promise<Rig> {
  const rig = await openRig();
  for (const text of texts) {
    rig.write('data/a.csv', text);
    rig.write('data/b.csv', 'always\n');
    await commitOld(rig, text.trim());
  }
  return rig;
}

async function gc(rig: Rig, ...args: readonly string[]): Promise<GcReport> {
  const events = (await rig.succeed('gc', '--json', ...args)).events();
  return events.at(-1) as unknown as GcReport;
}

async function isHeld(rig: Rig, version: string, path = 'data/a.csv'): Promise<boolean> {
  return (await rig.datawf(['cat', `${version}:${path}`])).code === 0;
}

describe('gc', () => {
  test('removes versions that only old commits have, and keeps the tip', async () => {
    const rig = await withVersions('one\n', 'two\n');
    const report = await gc(rig);
    // The file and the text of its pointer.
    expect(report.removed.objects).toBe(2);
    expect(report.roots.map(({ kind }) => kind)).toEqual(['branches', 'work trees', 'store refs']);
    expect(await isHeld(rig, 'HEAD~1')).toBe(false);
    expect(await isHeld(rig, 'HEAD')).toBe(true);
    expect((await rig.succeed('verify', '--json')).json()).toMatchObject({ objects: 3, damaged: [] });
  });

  test('of a dry run names the files that would go, and removes nothing', async () => {
    const rig = await withVersions('one\n', 'two\n');
    const report = await gc(rig, '--dry-run');
    expect(report).toMatchObject({ dryRun: true, paths: ['data/a.csv'], removed: { objects: 2 } });
    expect((await rig.succeed('gc', '-n')).stdout).toContain('  data/a.csv\n');
    expect(await isHeld(rig, 'HEAD~1')).toBe(true);
  });

  test('keeps what young commits have, and all commits where asked', async () => {
    const rig = await withVersions('one\n', 'two\n');
    expect((await gc(rig, '--all-commits')).removed.objects).toBe(0);
    rig.write('data/a.csv', 'three\n');
    await rig.succeed('add', 'data');
    await rig.git('commit', '--quiet', '--all', '-m', 'three');
    rig.write('data/a.csv', 'four\n');
    await rig.succeed('add', 'data');
    await rig.git('commit', '--quiet', '--all', '--amend', '-m', 'four');
    await gc(rig);
    // The commit that was amended is in the reflog only.
    expect(await isHeld(rig, 'HEAD@{1}')).toBe(true);
    expect(await isHeld(rig, 'HEAD~1')).toBe(true);
    await gc(rig, '--grace', '0d');
    expect(await isHeld(rig, 'HEAD@{1}')).toBe(false);
    expect(await isHeld(rig, 'HEAD')).toBe(true);
  });

  test('keeps tags, branches, remote branches, stashes, work trees, the index and what is not committed', async () => {
    const rig = await withVersions('tagged\n', 'on a branch\n', 'remote\n', 'stashed on\n');
    await rig.git('tag', '-a', '-m', 'x', 'v1', 'HEAD~3');
    await rig.git('branch', 'other', 'HEAD~2');
    await rig.git('update-ref', 'refs/remotes/origin/far', 'HEAD~1');
    rig.write('data/a.csv', 'in the stash\n');
    await rig.succeed('add', 'data');
    await rig.run(['git', 'stash', '--quiet'], { env: LONG_AGO });
    await rig.succeed('checkout');
    rig.write('data/a.csv', 'staged\n');
    await rig.succeed('add', 'data');
    await rig.git('add', '--all');
    rig.write('data/a.csv', 'in the work tree\n');
    await rig.succeed('add', 'data');
    await rig.git('worktree', 'add', '--quiet', '--detach', '../linked', 'HEAD');
    await rig.datawf(['checkout'], { cwd: '../linked' });
    writeFileSync(rig.path('../linked/data/a.csv.new'), 'in the linked work tree\n');
    await rig.datawf(['add', 'data'], { cwd: '../linked' });
    const report = await gc(rig, '--grace', '0d');
    const kinds = report.roots.map(({ kind }) => kind);
    expect(kinds).toEqual(['branches', 'remote branches', 'tags', 'stashes', 'work trees', 'store refs']);
    for (const version of ['v1', 'other', 'origin/far', 'stash'])
      expect(await isHeld(rig, version)).toBe(true);
    expect((await rig.datawf(['cat', 'data/a.csv.new'], { cwd: '../linked' })).code).toBe(0);
    await rig.git('checkout', '--quiet', '--', 'data.datawf');
    expect((await rig.succeed('cat', 'data/a.csv')).stdout).toBe('staged\n');
  });

  test('keeps both sides of a merge that left a conflict', async () => {
    const rig = await withVersions('base\n');
    await rig.git('switch', '--quiet', '-c', 'theirs');
    rig.write('data/a.csv', 'theirs\n');
    await commitOld(rig, 'theirs');
    await rig.git('switch', '--quiet', 'main');
    await rig.succeed('checkout');
    rig.write('data/a.csv', 'ours\n');
    await commitOld(rig, 'ours');
    await rig.run(['git', 'merge', '--quiet', 'theirs']);
    await rig.git('branch', '-D', 'theirs');
    await gc(rig, '--grace', '0d');
    const { stdout } = await rig.run(['git', 'diff', '--name-only', '--diff-filter=U']);
    expect(stdout).toContain('data.datawf');
    expect(await isHeld(rig, 'MERGE_HEAD')).toBe(true);
  });

  test('refuses while a command writes in a work tree that shares the store', async () => {
    const rig = await withVersions('one\n', 'two\n');
    await rig.git('worktree', 'add', '--quiet', '--detach', '../linked', 'HEAD');
    const gitDir = rig.path('.git/worktrees/linked/datawf');
    mkdirSync(gitDir, { recursive: true });
    const holder = { pid: 4, host: 'elsewhere', command: 'datawf repro', since: 'now', token: 'x' };
    writeFileSync(join(gitDir, 'lock'), JSON.stringify({ ...holder, boot: '', start: '' }));
    const { code, stderr } = await rig.datawf(['gc']);
    expect([code, stderr]).toEqual([6, expect.stringContaining('datawf repro')]);
    expect(await isHeld(rig, 'HEAD~1')).toBe(true);
    expect((await rig.datawf(['gc', '--dry-run'])).code).toBe(0);
  });

  test('asks the other repositories that share the store by cache.dir', async () => {
    const rig = await openRig();
    const other = rig.path('../other');
    await rig.run(['git', 'init', '--quiet', '-b', 'elsewhere', other]);
    for (const folder of ['.', '../other']) {
      writeFileSync(rig.path(`${folder}/mine.txt`), `of ${folder}\n`);
      await rig.datawf(['config', 'set', 'cache.dir', rig.path('../store')], { cwd: folder });
      expect((await rig.datawf(['add', 'mine.txt'], { cwd: folder })).code).toBe(0);
    }
    expect((await gc(rig, '--grace', '0d')).removed.objects).toBe(0);
    await rig.run(['rm', '-rf', other]);
    expect((await gc(rig, '--grace', '0d')).removed.objects).toBeGreaterThan(0);
  });

  test('keeps branches of one name apart where repositories share the store', async () => {
    const rig = await openRig();
    await rig.run(['git', 'init', '--quiet', rig.path('../other')]);
    for (const folder of ['.', '../other']) {
      writeFileSync(rig.path(`${folder}/mine.txt`), `of ${folder}\n`);
      await rig.datawf(['config', 'set', 'cache.dir', '../store'], { cwd: folder });
      expect((await rig.datawf(['add', 'mine.txt'], { cwd: folder })).code).toBe(0);
    }
    expect((await gc(rig, '--grace', '0d')).removed.objects).toBe(0);
    const repositories = readdirSync(rig.path('../store/refs')).sort();
    expect(repositories).toEqual([
      expect.stringMatching(/^other-[0-9a-f]{8}$/),
      expect.stringMatching(/^repo-[0-9a-f]{8}$/),
    ]);
    const texts: string[] = [];
    for (const name of repositories) {
      const out = `../out/${name}`;
      mkdirSync(rig.path('../out'), { recursive: true });
      const { code, stderr } = await rig.run(['sh', '../store/recover.sh', '../store', `${name}/main`, out]);
      expect(code, stderr).toBe(0);
      texts.push(rig.read(`${out}/mine.txt`));
    }
    expect(texts).toEqual(['of ../other\n', 'of .\n']);
  });

  test('wants an age', async () => {
    const rig = await openRig();
    const { code, stderr } = await rig.datawf(['gc', '--grace', 'soon']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('14d')]);
  });
});

const UPPER = `
stages:
  up:
    cmd: tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "data/raw/{name}.csv"}
    outs: {clean: "data/clean/{name}.csv"}
`;

describe('results', () => {
  test('go with their objects, and what stays is not run again', async () => {
    const story = await openStory(UPPER);
    story.files({ 'data/raw/a.csv': 'a\n', 'data/raw/b.csv': 'b\n' });
    await story.repro();
    story.files({ 'data/raw/a.csv': 'x\n' });
    await story.repro();
    const report = await gc(story, '--grace', '0d');
    expect([report.removed.results, report.kept.results]).toEqual([1, 2]);
    expect((await story.repro()).counts).toEqual({ skipped: 2 });
    story.files({ 'data/raw/a.csv': 'a\n' });
    expect((await story.repro()).ran).toEqual(['up name=a']);
  });

  test('of a run that was killed are kept', async () => {
    const story = await openStory(UPPER.replace('tr a-z', 'case $name in b) sleep 60;; esac; tr a-z'));
    story.files({ 'data/raw/a.csv': 'a\n', 'data/raw/b.csv': 'b\n' });
    const results = story.path('.git/datawf/results');
    await story.datawf(['repro', '--json', '-j', '2'], {
      onStart: (child) => {
        const timer = setInterval(() => {
          try {
            if (readdirSync(results).length === 0) return;
          } catch {
            return;
          }
          clearInterval(timer);
          child.kill('SIGKILL');
        }, 50);
      },
    });
    await gc(story);
    story.pipeline(UPPER.replace('tr a-z', 'case $name in b) sleep 60;; esac; tr a-z'));
    const dry = await story.datawf(['repro', '--dry-run', '--json']);
    const plan = dry.events().find((event) => event.event === 'plan');
    expect(plan).toMatchObject({ stages: [{ toRun: 1 }] });
  });
});

describe('a gc that is killed', () => {
  test('leaves every branch whole', async () => {
    const rig = await openRig();
    const files = 150;
    for (const branch of ['main', 'side']) {
      if (branch !== 'main') await rig.git('switch', '--quiet', '-c', branch);
      for (const version of ['old', 'new']) {
        for (let index = 0; index < files; index++)
          rig.write(`data/${index}.txt`, `${branch} ${version} ${index}\n`);
        await commitOld(rig, `${branch} ${version}`);
      }
    }
    const held = (): number =>
      ['objects', 'trees'].flatMap((top) =>
        readdirSync(rig.path(`.git/datawf/${top}`), { recursive: true, encoding: 'utf8' }),
      ).length;
    for (const least of [1, 60]) {
      const before = held();
      let timer: NodeJS.Timeout | undefined;
      await rig.datawf(['gc', '--grace', '0d'], {
        onStart: (child) => {
          timer = setInterval(() => {
            if (held() <= before - least) child.kill('SIGKILL');
          }, 2);
        },
      });
      clearInterval(timer);
      expect((await rig.succeed('verify', '--json')).json()).toMatchObject({ damaged: [] });
    }
    await gc(rig, '--grace', '0d');
    for (const branch of ['main', 'side']) {
      await rig.git('switch', '--quiet', branch);
      await rig.succeed('checkout');
      expect(rig.read('data/7.txt')).toBe(`${branch} new 7\n`);
      expect((await rig.succeed('status', '--json')).json()).toMatchObject({ clean: true });
    }
    const objects = 2 * files + 2;
    expect((await rig.succeed('verify', '--json')).json()).toMatchObject({ objects, damaged: [] });
  });
});

describe('gc --store', () => {
  async function shared(): Promise<Rig> {
    const rig = await openRig();
    await rig.succeed('config', 'set', 'stores.nas.url', rig.path('../nas'));
    for (const text of ['one\n', 'two\n']) {
      rig.write('data/a.csv', text);
      await commitOld(rig, text.trim());
      await rig.succeed('push');
    }
    return rig;
  }

  test('clears another store of what neither its refs nor git need', async () => {
    const rig = await shared();
    expect((await gc(rig, '--store', 'nas', '--dry-run', '--grace', '0d')).paths).toEqual(['data/a.csv']);
    await gc(rig, '--store', 'nas', '--grace', '0d');
    const clone = rig.path('../clone');
    await rig.run(['git', 'clone', '--quiet', rig.root, clone]);
    expect((await rig.datawf(['pull'], { cwd: '../clone' })).code).toBe(0);
    expect((await rig.datawf(['cat', 'data/a.csv'], { cwd: '../clone' })).stdout).toBe('two\n');
    expect((await rig.datawf(['cat', 'HEAD~1:data/a.csv'], { cwd: '../clone' })).code).toBe(4);
    expect(await isHeld(rig, 'HEAD~1')).toBe(true);
  });

  test('keeps what came within the last hour, since others may be about to name it', async () => {
    const rig = await shared();
    expect((await gc(rig, '--store', 'nas')).removed.objects).toBe(0);
  });

  test('keeps what the ref of a branch that this clone does not have names', async () => {
    const rig = await shared();
    await rig.git('switch', '--quiet', '-c', 'side');
    rig.write('data/a.csv', 'side\n');
    await commitOld(rig, 'side');
    await rig.succeed('push');
    await rig.git('switch', '--quiet', 'main');
    await rig.succeed('checkout');
    await rig.git('branch', '--quiet', '-D', 'side');
    await gc(rig, '--grace', '0d');
    expect((await gc(rig, '--store', 'nas', '--grace', '0d')).removed.objects).toBe(2);
    await rig.git('switch', '--quiet', '--detach', 'HEAD@{1}');
    expect((await rig.succeed('cat', 'data/a.csv')).stdout).toBe('side\n');
  });

  test('refuses while somebody writes there', async () => {
    const rig = await shared();
    mkdirSync(rig.path('../nas/runs/writing'), { recursive: true });
    const sign = { command: 'datawf push', host: 'elsewhere', pid: 7, time: Date.now() };
    writeFileSync(rig.path('../nas/runs/writing/01J0000000000000000000000A.json'), JSON.stringify(sign));
    const { code, stderr } = await rig.datawf(['gc', '--store', 'nas', '--grace', '0d']);
    expect([code, stderr]).toEqual([6, expect.stringContaining('datawf push (process 7 on elsewhere)')]);
  });

  test('knows the stores that are configured', async () => {
    const rig = await shared();
    const { code, stderr } = await rig.datawf(['gc', '--store', 'nass']);
    expect([code, stderr]).toEqual([4, expect.stringContaining('nas')]);
  });
});

test('keeps the lists that results name as what they were made from, here and in another store', async () => {
  const story = await openStory(`
stages:
  month:
    cmd: cat "$days"/* > "$month"
    deps: {days: "days/{date:%Y-%m-%d}.csv"}
    outs: {month: "months/{date:%Y-%m}.csv"}
`);
  for (let day = 10; day < 25; day++) story.write(`days/2024-01-${day}.csv`, `${day}\n`);
  await story.succeed('add', 'days');
  await story.succeed('config', 'set', 'stores.shared.url', story.path('../shared'));
  await story.succeed('repro');
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  await story.succeed('push');
  const inputs = async (...at: readonly string[]): Promise<unknown> => {
    const { stdout } = await story.succeed(...at, 'blame', 'months/2024-01.csv', '--json');
    return (JSON.parse(stdout) as { datum: { inputs: unknown } }).datum.inputs;
  };
  const before = await inputs();
  expect(before).toMatchObject([{ dep: 'days', files: 15 }]);
  story.write('days/2024-01-10.csv', 'other\n');
  await story.succeed('add', 'days');
  await story.git('commit', '--quiet', '-am', 'two');
  await gc(story, '--grace', '0s');
  expect(await inputs()).toEqual(before);
  await gc(story, '--store', 'shared', '--grace', '0s');
  await story.git('clone', '--quiet', '.', '../clone');
  expect(await inputs('-C', '../clone')).toEqual(before);
});
