import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSchema } from '../rig/schemas.ts';

const BIN = new URL('../../bin/datawf.js', import.meta.url).pathname;
const isGlibc =
  process.platform === 'linux' &&
  (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime !==
    undefined;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/datawf-image-`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function build(file: string, ...more: readonly string[]): Record<string, unknown> {
  const text = execFileSync(process.execPath, [BIN, 'agent', 'image', '-o', file, '--json', ...more], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
    stdio: 'pipe',
  });
  return JSON.parse(text) as Record<string, unknown>;
}

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

/** What of the files of an image is looked at. */
interface ImageJson {
  readonly manifests: readonly Descriptor[];
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

function json(file: string): ImageJson {
  return JSON.parse(readFileSync(file, 'utf8')) as ImageJson;
}

function blob(at: string, digest: string): string {
  const file = `${at}/blobs/sha256/${digest.replace('sha256:', '')}`;
  expect(`sha256:${createHash('sha256').update(readFileSync(file)).digest('hex')}`).toBe(digest);
  return file;
}

describe.runIf(isGlibc)('datawf agent image', () => {
  it(
    'writes an OCI archive, twice the same, whose agent runs by its own loader',
    { timeout: 120_000 },
    () => {
      const report = build('one.tar', '--tag', 'registry.example.org/team/agent:7');
      expectSchema('agent-image', report);
      expect(report).toMatchObject({ file: `${folder}/one.tar`, tag: 'registry.example.org/team/agent:7' });
      build('two.tar', '--tag', 'registry.example.org/team/agent:7');
      expect(readFileSync(`${folder}/one.tar`).equals(readFileSync(`${folder}/two.tar`))).toBe(true);

      const at = `${folder}/image`;
      mkdirSync(at);
      execFileSync('tar', ['-xf', `${folder}/one.tar`, '-C', at]);
      expect(json(`${at}/oci-layout`)).toEqual({ imageLayoutVersion: '1.0.0' });
      const listed = json(`${at}/index.json`).manifests[0]!;
      expect(listed).toMatchObject({
        digest: report['digest'],
        annotations: {
          'io.containerd.image.name': 'registry.example.org/team/agent:7',
          'org.opencontainers.image.ref.name': '7',
        },
      });
      const manifest = json(blob(at, listed.digest));
      const config = json(blob(at, manifest.config.digest));
      expect(config).toMatchObject({ os: 'linux', architecture: report['architecture'] });
      const { digest, size } = manifest.layers[0]!;
      const layer = blob(at, digest);
      expect(readFileSync(layer).length).toBe(size);

      const root = `${folder}/root`;
      mkdirSync(root);
      const unpack = report['compression'] === 'zstd' ? 'zstd' : 'gzip';
      const tar = execFileSync(unpack, ['-dc', layer], { maxBuffer: 1 << 30 });
      expect(config.rootfs.diff_ids).toEqual([`sha256:${createHash('sha256').update(tar).digest('hex')}`]);
      execFileSync('tar', ['-xf', '-', '-C', root], { input: tar });
      const agent = `${root}/agent`;
      const answer = execFileSync(
        `${agent}/ld.so`,
        ['--library-path', `${agent}/lib`, `${agent}/init`, '--', `${agent}/node`, '-p', '1 + 1'],
        { encoding: 'utf8', env: {}, stdio: 'pipe' },
      );
      expect(answer).toBe('2\n');
    },
  );

  it('says what is wrong with a name', () => {
    expect(() => build('three.tar', '--tag', 'Not A Name')).toThrow(/bad-tag/);
  });
});
