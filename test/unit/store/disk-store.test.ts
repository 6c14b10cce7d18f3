import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isSealed } from '../../../src/disk/object-file.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { FileEntry } from '../../../src/model/file-entry.ts';
import { formatLockFile } from '../../../src/formats/lock-file.ts';
import { formatRef } from '../../../src/formats/ref-file.ts';
import { compareBytes, repoPath, type RepoPath } from '../../../src/model/repo-path.ts';
import { DiskStore } from '../../../src/store/disk-store.ts';
import { writeListing } from '../../../src/store/trees.ts';
import { digestHex } from '../../../src/util/blake3.ts';

let folder: string;
let store: DiskStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'datawf-disk-store-'));
  store = new DiskStore(join(folder, 'store'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const d = (text: string): Digest => digestHex(text) as Digest;

async function put(text: string): Promise<Digest> {
  await store.putBytes(d(text), Buffer.from(text));
  return d(text);
}

describe('a store in a folder', () => {
  it('is not made by reading', async () => {
    await store.missingObjects([d('x')]);
    expect(existsSync(store.folder)).toBe(false);
  });

  it('says what it is after the first write', async () => {
    await put('x');
    expect(readdirSync(store.folder).sort()).toEqual([
      'FORMAT',
      'README.txt',
      'objects',
      'recover.sh',
      'tmp',
    ]);
    expect(readFileSync(`${store.folder}/FORMAT`, 'utf8')).toBe('datawf-store 1\n');
  });

  it('names objects and trees by their digest', async () => {
    await put('x');
    await store.putTree(d('y'), 'y');
    expect(readFileSync(join(store.folder, 'objects', d('x').slice(0, 2), d('x')), 'utf8')).toBe('x');
    expect(readFileSync(join(store.folder, 'trees', d('y').slice(0, 2), d('y')), 'utf8')).toBe('y');
  });

  it('of a later format is refused, with the cure', async () => {
    mkdirSync(store.folder);
    writeFileSync(`${store.folder}/FORMAT`, 'datawf-store 2\n');
    const refusal = { code: 'store-format', exit: 2, hint: expect.stringContaining('newer datawf') };
    await expect(put('x')).rejects.toMatchObject(refusal);
    await expect(store.readObject(d('x'))).rejects.toMatchObject(refusal);
    expect(readdirSync(store.folder)).toEqual(['FORMAT']);
  });

  it('keeps objects read-only and sealed', async () => {
    const digest = await put('x');
    expect(isSealed(lstatSync(store.objectPath(digest)), digest)).toBe(true);
  });

  it('adopts a file without reading it', () => {
    const file = `${store.tempFolder()}/made`;
    writeFileSync(file, 'x');
    store.adopt(file, d('x'));
    expect(existsSync(file)).toBe(false);
    expect(store.hasObjectSync(d('x'))).toBe(true);
  });

  it('tells of a damaged tree and takes it anew', async () => {
    await store.putTree(d('y'), 'y');
    rmSync(join(store.folder, 'trees', d('y').slice(0, 2), d('y')));
    writeFileSync(join(store.folder, 'trees', d('y').slice(0, 2), d('y')), 'z');
    const fresh = new DiskStore(store.folder);
    await expect(fresh.readTree(d('y'))).rejects.toMatchObject({ code: 'corrupt-tree', exit: 7 });
    await fresh.putTree(d('y'), 'y');
    expect(await new DiskStore(store.folder).readTree(d('y'))).toBe('y');
  });

  it('that cannot be made says why', async () => {
    writeFileSync(`${folder}/file`, '');
    const blocked = new DiskStore(`${folder}/file/store`);
    await expect(blocked.putBytes(d('x'), Buffer.from('x'))).rejects.toMatchObject({
      code: 'in-the-way',
      exit: 6,
    });
  });
});

describe('recover.sh', () => {
  const listing = async (files: Record<string, string>): Promise<FileEntry[]> => {
    const entries: FileEntry[] = [];
    for (const [path, text] of Object.entries(files)) {
      const kind = path.endsWith('.sh') ? 'x' : path.endsWith('.link') ? 'l' : 'f';
      entries.push({ path, kind, digest: await put(text), size: Buffer.byteLength(text) });
    }
    return entries.sort((a, b) => compareBytes(a.path, b.path));
  };

  const lockOf = (outs: Record<string, Digest>): string => {
    const shares = Object.entries(outs).map(
      ([home, tree]) => [repoPath(home), { tree, files: 1, bytes: 1 }] as const,
    );
    const datums = { table: d('table'), count: 1, failed: 0 };
    const inputs = new Map([['raw', d('in')]]);
    const stage = { code: d('code'), inputs, datums, outs: new Map(shares), accepted: new Map() };
    return formatLockFile({ stages: new Map([['clean', stage]]) });
  };

  interface Published {
    readonly reads?: readonly string[];
    readonly locks?: Record<string, Digest>;
    /** The text of each dataset's pointer. */
    readonly pointers?: Record<string, string>;
    readonly single?: readonly string[];
  }

  const publish = async ({
    reads = [],
    locks = {},
    pointers = {},
    single = [],
  }: Published): Promise<void> => {
    const named = new Map<RepoPath, Digest>();
    for (const [path, text] of Object.entries(pointers)) named.set(repoPath(path), await put(text));
    const ref = {
      commit: 'c0ffee',
      reads,
      locks: new Map(Object.entries(locks).map(([path, digest]) => [repoPath(path), digest])),
      pointers: named,
      single: single.map(repoPath),
      files: new Map<RepoPath, Digest>(),
      remote: undefined,
    };
    await store.writeFile('refs/main.json', Buffer.from(formatRef(ref)), { replace: true });
  };

  const folderPointer = (tree: Digest): string =>
    `version: 1\npath: raw\ntree: ${tree}\nfiles: 1\nbytes: 1\n`;

  /** What it says of digests depends on what is installed. */
  const recover = (branch = 'main'): { status: number | null; stderr: string } => {
    const script = [`${store.folder}/recover.sh`, store.folder, branch, `${folder}/out`];
    const { status, stderr } = spawnSync('sh', script, { encoding: 'utf8' });
    return { status, stderr: stderr.replace(/^no b3sum here.*\n/m, '') };
  };

  const restored = (): string[] =>
    execFileSync('find', ['.', '!', '-type', 'd'], { cwd: `${folder}/out`, encoding: 'utf8' })
      .trim()
      .split('\n')
      .sort();

  const read = (path: string): string => readFileSync(`${folder}/out/${path}`, 'utf8');

  it('gets every dataset of a branch out', async () => {
    const raw = await writeListing(
      store,
      await listing({ 'a b.csv': 'one', 'sub/run.sh': 'script', 'to.link': 'a b.csv' }),
    );
    const clean = await writeListing(store, await listing({ "it's.csv": 'two', ' odd  name ': 'three' }));
    const report = await writeListing(store, await listing({ 'report.html': 'four' }));
    // A folder whose one file has its name isn't a file.
    const lock = await put(
      lockOf({ 'data/a "clean": é': clean.tree, 'report.html': report.tree, 'sub/report.html': report.tree }),
    );
    const single = await put('five');
    await publish({
      locks: { 'datawf.lock': lock, 'sub/datawf.lock': lock },
      pointers: {
        'data/raw': folderPointer(raw.tree),
        'data/one.sh': `version: 1\npath: one.sh\ndigest: ${single}\nkind: x\nfiles: 1\nbytes: 4\n`,
      },
      single: ['report.html'],
    });
    expect(recover()).toMatchObject({ status: 0, stderr: '' });
    expect(restored()).toEqual(
      [
        './data/a "clean": é/ odd  name ',
        `./data/a "clean": é/it's.csv`,
        './data/one.sh',
        './data/raw/a b.csv',
        './data/raw/sub/run.sh',
        './data/raw/to.link',
        './report.html',
        './sub/report.html/report.html',
      ].sort(),
    );
    expect([read('data/raw/a b.csv'), read('data/a "clean": é/ odd  name '), read('report.html')]).toEqual([
      'one',
      'three',
      'four',
    ]);
    expect(readlinkSync(`${folder}/out/data/raw/to.link`)).toBe('a b.csv');
    for (const path of ['data/raw/sub/run.sh', 'data/one.sh'])
      expect(lstatSync(`${folder}/out/${path}`).mode & 0o777).toBe(0o755);
  });

  it('follows split trees', async () => {
    // Two levels, of few files: the shell takes 7 ms for each.
    const leaf = async (paths: readonly string[]): Promise<string> => {
      const content = await put('same');
      const text = paths.map((path) => `f ${content} 4 ${path}\n`).join('');
      await store.putTree(d(text), text);
      return `n ${d(text)} ${paths.length} ${4 * paths.length} ${paths[0] ?? ''}\n`;
    };
    const inner = async (lines: readonly string[], first: string): Promise<string> => {
      await store.putTree(d(lines.join('')), lines.join(''));
      return `n ${d(lines.join(''))} 4 16 ${first}\n`;
    };
    const left = await inner([await leaf(['a', 'b']), await leaf(['c', 'd'])], 'a');
    const right = await inner([await leaf(['e', 'f']), await leaf(['g', 'h'])], 'e');
    const root = left + right;
    await store.putTree(d(root), root);
    await publish({ pointers: { raw: folderPointer(d(root)) } });
    expect(recover()).toMatchObject({ status: 0, stderr: '' });
    expect(restored()).toHaveLength(8);
  });

  it('reads the other stores that the branch reads', async () => {
    const other = new DiskStore(`${folder}/other`);
    await other.putBytes(d('far'), Buffer.from('far'));
    await store.putTree(d(''), '');
    const tree = await writeListing(store, [{ path: 'a', kind: 'f', digest: d('far'), size: 3 }]);
    await publish({ reads: ['/nowhere', other.folder], pointers: { raw: folderPointer(tree.tree) } });
    expect(recover()).toMatchObject({ status: 0 });
    expect(read('raw/a')).toBe('far');
  });

  it('ends with 4 and the name of what is missing', async () => {
    const tree = await writeListing(store, [{ path: 'a', kind: 'f', digest: d('lost'), size: 4 }]);
    await publish({ pointers: { raw: folderPointer(tree.tree) } });
    expect(recover()).toMatchObject({
      status: 4,
      stderr: `missing: objects/${d('lost').slice(0, 2)}/${d('lost')}\n`,
    });
    expect(recover('none')).toMatchObject({
      status: 4,
      stderr: `missing: refs/none.json in ${store.folder}\n`,
    });
  });

  it('refuses paths that leave the folder', async () => {
    const text = `f ${await put('x')} 1 ../escaped\n`;
    await store.putTree(d(text), text);
    await publish({ pointers: { raw: folderPointer(d(text)) } });
    expect(recover()).toMatchObject({ status: 7, stderr: 'refused: raw/../escaped\n' });
    expect(existsSync(`${folder}/out/escaped`)).toBe(false);
  });
});
