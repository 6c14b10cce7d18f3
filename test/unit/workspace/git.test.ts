import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeFiles } from '../../../src/workspace/code-files.ts';
import { digestFiles } from '../../../src/workspace/file-digests.ts';
import { ensureAttributes, ignorePath, unignorePath } from '../../../src/workspace/git-ignore.ts';
import { readGitIndex } from '../../../src/workspace/git-index.ts';
import { openGit, type Git } from '../../../src/workspace/git.ts';
import { digestCacheOf, findWorkspace } from '../../../src/workspace/workspace.ts';
import type { CodePath } from '../../../src/model/stage.ts';
import type { RepoPath } from '../../../src/model/repo-path.ts';
import { entryOf, git, GIT_ENV, newFolder, newRepository, problemOf } from './fixture.ts';

function write(root: string, path: string, text = path): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function open(root: string): Git {
  return openGit(findWorkspace(root), GIT_ENV);
}

function repositoryWith(...paths: string[]): string {
  const root = newRepository();
  for (const path of paths) write(root, path);
  git(root, 'add', '--all');
  git(root, 'commit', '--quiet', '--message', 'first');
  return root;
}

describe('tracked files', () => {
  const paths = ['a.csv', 'dir/b.csv', 'dir/ü.csv', 'dir-x/c.csv', 'dir/sub/d.csv'];

  it('are listed at or below paths', async () => {
    const root = repositoryWith(...paths);
    const asked = open(root);
    expect(await asked.trackedFiles()).toEqual([...paths].sort());
    expect(await asked.trackedFiles(['dir'])).toEqual(['dir/b.csv', 'dir/sub/d.csv', 'dir/ü.csv']);
    expect([await asked.isTracked('a.csv'), await asked.isTracked('b.csv')]).toEqual([true, false]);
  });

  it('are none in a new repository', async () => {
    expect(await open(newRepository()).trackedFiles()).toEqual([]);
  });

  it.each(['2', '3', '4'])('are read from an index of version %s as git reads it', (version) => {
    const root = repositoryWith(
      ...paths,
      ...Array.from({ length: 200 }, (_, n) => `many/file-${n}-${'x'.repeat(n)}`),
    );
    if (version === '3') {
      write(root, 'later');
      git(root, 'add', '--intent-to-add', 'later');
    }
    git(root, 'update-index', '--index-version', version);
    expect(readFileSync(join(root, '.git/index')).readUInt32BE(4)).toBe(Number(version));
    expect(readGitIndex(findWorkspace(root))).toEqual(
      git(root, '-c', 'core.quotePath=false', 'ls-files').split('\n'),
    );
  });

  it('are read from an index with sha256', () => {
    const root = newFolder();
    git(root, 'init', '--quiet', '--object-format=sha256');
    write(root, 'a/b');
    write(root, 'c');
    git(root, 'add', '--all');
    expect(readGitIndex(findWorkspace(root))).toEqual(['a/b', 'c']);
  });

  it('are left to git where the index is split', async () => {
    const root = repositoryWith(...paths);
    git(root, 'update-index', '--split-index');
    write(root, 'new');
    git(root, 'add', 'new');
    expect(readGitIndex(findWorkspace(root))).toBeUndefined();
    expect(await open(root).trackedFiles(['new'])).toEqual(['new']);
  });
});

describe('files git would add', () => {
  it('are the tracked and the untracked that nothing ignores', async () => {
    const root = repositoryWith('lib/a.py', 'other.py');
    write(root, 'lib/new.py');
    write(root, 'lib/cache.pyc');
    write(root, '.gitignore', '*.pyc\n');
    expect(await open(root).addableFiles(['lib'])).toEqual(['lib/a.py', 'lib/new.py']);
    expect(await open(root).ignored(['lib/a.py', 'lib/cache.pyc'])).toEqual(['lib/cache.pyc']);
    expect(await open(root).ignored(['lib/a.py'])).toEqual([]);
  });

  it('are found below a folder whose name looks like a pattern', async () => {
    const root = repositoryWith('[x]/a', 'x/b');
    expect(await open(root).addableFiles(['[x]'])).toEqual(['[x]/a']);
  });
});

describe('a ref', () => {
  it('shows its files as they were', async () => {
    const root = repositoryWith('datawf.yaml', 'sub/datawf.lock', 'data/raw.datawf');
    write(root, 'datawf.yaml', 'later');
    const asked = open(root);
    expect(await asked.showFile('HEAD', 'datawf.yaml')).toBe('datawf.yaml');
    expect(await asked.showFile('HEAD', 'absent')).toBeUndefined();
    expect(await asked.filesAt('main', ['datawf.yaml', '.lock', '.datawf'])).toEqual([
      'data/raw.datawf',
      'datawf.yaml',
      'sub/datawf.lock',
    ]);
    expect(await asked.resolveRef('main')).toBe(git(root, 'rev-parse', 'HEAD'));
    expect(await asked.resolveRef('nowhere')).toBeUndefined();
    expect(await asked.resolveRef('--all')).toBeUndefined();
  });

  it('that is none is not found', async () => {
    const problem = await problemOf(() => open(repositoryWith('a')).showFile('nowhere', 'a'));
    expect([problem.code, problem.exit]).toEqual(['no-ref', 4]);
  });
});

describe('a commit', () => {
  it('holds exactly the paths given, with trailers', async () => {
    const root = repositoryWith('datawf.lock', 'gone.datawf', 'other');
    write(root, 'datawf.lock', 'new');
    write(root, 'other', 'staged by hand');
    git(root, 'add', 'other');
    write(root, 'data/new.datawf');
    rmSync(join(root, 'gone.datawf'));
    const commit = await open(root).commitPaths({
      paths: ['datawf.lock', 'data/new.datawf', 'gone.datawf'],
      message: 'Run it',
      trailers: new Map([['Datawf-Run', ['01J1', '01J2']]]),
    });
    expect(commit).toBe(git(root, 'rev-parse', 'HEAD'));
    expect(git(root, 'show', '--name-status', '--format=', 'HEAD').split('\n')).toEqual([
      'A\tdata/new.datawf',
      'M\tdatawf.lock',
      'D\tgone.datawf',
    ]);
    expect(git(root, 'show', '--no-patch', '--format=%B', 'HEAD')).toBe(
      'Run it\n\nDatawf-Run: 01J1\nDatawf-Run: 01J2',
    );
    expect(git(root, 'diff', '--cached', '--name-only')).toBe('other');
  });

  it('is not made where nothing differs', async () => {
    const root = repositoryWith('datawf.lock');
    expect(await open(root).commitPaths({ paths: ['datawf.lock'], message: 'x' })).toBeUndefined();
  });
});

describe('the repository', () => {
  it('tells whether it is dirty, and who works in it', async () => {
    const root = repositoryWith('a');
    const asked = open(root);
    expect(await asked.isDirty()).toBe(false);
    write(root, 'a', 'edited');
    expect(await asked.isDirty()).toBe(true);
    expect(await asked.user()).toEqual({ name: 'Ada', mail: 'ada@example.org' });
  });

  it('keeps config, merge drivers included', async () => {
    const asked = open(newRepository());
    expect(await asked.getConfig('merge.datawf.driver')).toBeUndefined();
    await asked.setConfig('merge.datawf.driver', 'datawf merge-driver %O %A %B %P');
    await asked.setConfig('diff.datawf.command', 'datawf diff-driver');
    expect(await asked.getConfig('merge.datawf.driver')).toBe('datawf merge-driver %O %A %B %P');
    await asked.setConfig('merge.datawf.driver', undefined);
    await asked.setConfig('merge.datawf.driver', undefined);
    expect(await asked.getConfig('merge.datawf.driver')).toBeUndefined();
  });

  it('is the one found, whatever a hook says', async () => {
    const root = repositoryWith('a');
    const asked = openGit(findWorkspace(root), {
      ...GIT_ENV,
      GIT_DIR: '/nowhere',
      GIT_INDEX_FILE: '/nowhere',
    });
    expect(await asked.resolveRef('HEAD')).toBe(git(root, 'rev-parse', 'HEAD'));
  });

  it('can not be asked without git', async () => {
    const root = newRepository();
    const problem = await problemOf(() => openGit(findWorkspace(root), { PATH: newFolder() }).isDirty());
    expect([problem.code, problem.exit]).toEqual(['no-git', 2]);
  });
});

describe('ignore files', () => {
  it('get one line per path in its own folder and lose it again', () => {
    const root = newRepository();
    mkdirSync(join(root, 'data'));
    writeFileSync(join(root, 'data/.gitignore'), '# mine\n*.tmp');
    expect([ignorePath(root, 'data/raw'), ignorePath(root, 'data/raw'), ignorePath(root, 'top')]).toEqual([
      true,
      false,
      true,
    ]);
    expect(readFileSync(join(root, 'data/.gitignore'), 'utf8')).toBe('# mine\n*.tmp\n/raw\n');
    expect(git(root, 'check-ignore', 'data/raw', 'top', 'data/top', 'raw').split('\n')).toEqual([
      'data/raw',
      'top',
    ]);
    expect([
      unignorePath(root, 'data/raw'),
      unignorePath(root, 'data/raw'),
      unignorePath(root, 'top'),
    ]).toEqual([true, false, true]);
    expect(readFileSync(join(root, 'data/.gitignore'), 'utf8')).toBe('# mine\n*.tmp\n');
    expect(existsSync(join(root, '.gitignore'))).toBe(false);
  });

  it.each(['a*b', '[x]', 'what?', '#hash', '!bang', 'end ', 'back\\slash'])(
    'mean the very name %j',
    (name) => {
      const root = newRepository();
      ignorePath(root, name);
      const { stdout } = spawnSync('git', ['-C', root, 'check-ignore', '-z', '--stdin'], {
        env: GIT_ENV,
        input: `${name}\0axb\0wha\0x\0`,
      });
      expect(stdout.toString()).toBe(`${name}\0`);
      expect(readFileSync(join(root, '.gitignore'), 'utf8').split('\n')).toHaveLength(2);
    },
  );

  it('merge by union', () => {
    const root = newRepository();
    expect(ensureAttributes(root, ['.gitignore merge=union', 'datawf.lock merge=datawf'])).toBe(true);
    expect(ensureAttributes(root, ['datawf.lock merge=datawf'])).toBe(false);
    expect(git(root, 'check-attr', 'merge', 'data/.gitignore')).toBe('data/.gitignore: merge: union');
  });
});

describe('digests of files', () => {
  it('are remembered and read again only where the stat differs', async () => {
    const root = newRepository();
    write(root, 'a', 'a');
    write(root, 'b/c', 'c');
    chmodSync(join(root, 'b/c'), 0o755);
    const request = {
      root,
      paths: ['a', 'b/c', 'absent', 'b'],
      cacheFile: digestCacheOf(findWorkspace(root)),
    };
    const wanted = [entryOf('a', 'a'), entryOf('b/c', 'c', 'x')];
    const first = await digestFiles(request);
    expect([...first.entries.values()]).toEqual(wanted);
    expect([first.stale, first.save()]).toEqual([true, true]);
    write(root, 'a', 'aa');
    const second = await digestFiles(request);
    expect(second.entries.get('a')).toEqual(entryOf('a', 'aa'));
    second.save();
    rmSync(join(root, 'a'));
    const third = await digestFiles(request);
    expect([...third.entries.keys()]).toEqual(['b/c']);
    third.save();
    expect((await digestFiles(request)).entries.get('b/c')).toEqual(entryOf('b/c', 'c', 'x'));
  });

  it('of code are those of its files, and of the files of its folders that git would add', async () => {
    const root = repositoryWith('clean.py', 'lib/a.py', 'lib/sub/b.py');
    write(root, 'lib/new.py');
    write(root, 'lib/skip.pyc');
    write(root, '.gitignore', '*.pyc\n');
    rmSync(join(root, 'lib/a.py'));
    const code = (path: string, folder: boolean): CodePath => ({ path: path as RepoPath, folder });
    const files = await codeFiles({
      root,
      cacheFile: digestCacheOf(findWorkspace(root)),
      git: open(root),
      code: [code('clean.py', false), code('lib', true), code('absent.py', false)],
    });
    const paths = (one: CodePath): string[] => files.of(one).map(({ path }) => path);
    expect(paths(code('clean.py', false))).toEqual(['clean.py']);
    expect(paths(code('lib', true))).toEqual(['lib/new.py', 'lib/sub/b.py']);
    expect(paths(code('absent.py', false))).toEqual([]);
  });
});
