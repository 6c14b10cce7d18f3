import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findWorkspace, indexFileOf, rootHomes } from '../../../src/workspace/workspace.ts';
import { git, newFolder, newRepository, problemOf } from './fixture.ts';

function commit(root: string, message = 'x'): string {
  git(root, 'commit', '--quiet', '--allow-empty', '--message', message);
  return git(root, 'rev-parse', 'HEAD');
}

describe('a workspace', () => {
  it('is found from its top and from a folder inside', () => {
    const root = newRepository();
    mkdirSync(join(root, 'sub/deep'), { recursive: true });
    expect(findWorkspace(root)).toMatchObject({
      root,
      prefix: '',
      gitDir: `${root}/.git`,
      commonDir: `${root}/.git`,
    });
    expect(findWorkspace(join(root, 'sub/deep'))).toMatchObject({ root, prefix: 'sub/deep' });
  });

  it('of a worktree has a git folder of its own and shares the common one', async () => {
    const root = newRepository();
    commit(root);
    const other = join(newFolder(), 'other');
    git(root, 'worktree', 'add', '--quiet', '-b', 'side', other);
    const workspace = findWorkspace(other);
    expect(workspace).toMatchObject({
      root: other,
      gitDir: `${root}/.git/worktrees/other`,
      commonDir: `${root}/.git`,
    });
    expect((await workspace.head()).branch).toBe('side');
  });

  it('of a submodule is the submodule', async () => {
    const inner = newRepository();
    const commitOfInner = commit(inner);
    const outer = newRepository();
    git(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'lib');
    const workspace = findWorkspace(join(outer, 'lib'));
    expect(workspace).toMatchObject({ root: `${outer}/lib`, gitDir: `${outer}/.git/modules/lib` });
    expect((await workspace.head()).commit).toBe(commitOfInner);
  });

  it.each<[string, string, number, (folder: string) => string]>([
    ['a folder without repository', 'no-repository', 2, (folder) => folder],
    ['a folder that is not there', 'no-folder', 4, (folder) => join(folder, 'absent')],
    [
      'a bare repository',
      'bare-repository',
      2,
      (folder) => {
        git(folder, 'init', '--quiet', '--bare');
        return folder;
      },
    ],
    [
      "git's own folder",
      'inside-git-folder',
      2,
      (folder) => {
        git(folder, 'init', '--quiet');
        return join(folder, '.git/refs');
      },
    ],
    [
      'a worktree whose repository moved',
      'broken-repository',
      2,
      (folder) => {
        writeFileSync(join(folder, '.git'), 'gitdir: /nowhere/at/all\n');
        return folder;
      },
    ],
  ])('is not %s', async (_, code, exit, prepare) => {
    const folder = prepare(newFolder());
    const problem = await problemOf(() => findWorkspace(folder));
    expect([problem.code, problem.exit]).toEqual([code, exit]);
  });
});

describe('the head', () => {
  it('has a branch and no commit before the first', async () => {
    expect(await findWorkspace(newRepository()).head()).toEqual({ branch: 'main', commit: undefined });
  });

  it('is read from a loose ref, from packed refs, and detached', async () => {
    const root = newRepository();
    const first = commit(root);
    const workspace = findWorkspace(root);
    expect(await workspace.head()).toEqual({ branch: 'main', commit: first });
    git(root, 'pack-refs', '--all');
    expect(await workspace.head()).toEqual({ branch: 'main', commit: first });
    const second = commit(root, 'y');
    expect(await workspace.head()).toEqual({ branch: 'main', commit: second });
    git(root, 'checkout', '--quiet', '--detach', first);
    expect(await workspace.head()).toEqual({ branch: undefined, commit: first });
  });

  it('has a branch with slashes', async () => {
    const root = newRepository();
    commit(root);
    git(root, 'checkout', '--quiet', '-b', 'feature/a/b');
    expect((await findWorkspace(root).head()).branch).toBe('feature/a/b');
  });

  it('is asked of git where it is kept otherwise', async () => {
    const root = newRepository();
    const first = commit(root);
    mkdirSync(join(root, '.git/reftable'));
    expect(await findWorkspace(root).head()).toEqual({ branch: 'main', commit: first });
  });
});

describe('root homes', () => {
  it('are the outermost', () => {
    expect(
      rootHomes(['data/clean', 'data', 'data-x', 'report.html', 'a/b/c', 'a/b', 'data/clean/x']),
    ).toEqual(['a/b', 'data', 'data-x', 'report.html']);
  });

  it('have index files of their own', () => {
    const workspace = { gitDir: '/g' };
    const homes = ['a/b', 'a%2Fb', 'a_b', `${'long/'.repeat(60)}a`, `${'long/'.repeat(60)}b`];
    const files = homes.map((home) => indexFileOf(workspace, home));
    expect(new Set(files).size).toBe(homes.length);
    expect(files.every((file) => (file.split('/').at(-1) ?? '').length <= 200)).toBe(true);
  });
});
