import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../src/model/digest.ts';
import type { SandboxDep, SandboxFile, StageWork } from '../../../src/run/runner.ts';
import { createUrlLists, type UrlSource } from '../../../src/run/url-list.ts';
import type { ObjectPlace } from '../../../src/store/store.ts';

const fileAt = (path: string, more: Partial<SandboxFile> = {}): SandboxFile => ({
  path,
  kind: 'f',
  digest: path as Digest,
  size: 3,
  from: 'store',
  ...more,
});
const urlDep = (name: string, ...files: SandboxFile[]): SandboxDep => ({
  name,
  value: 'data',
  files,
  access: 'url',
});

function openLists(options: {
  readonly broadcast?: readonly SandboxDep[];
  readonly timeoutSeconds?: number;
  readonly links?: Readonly<Record<string, string>>;
}) {
  const asked: [readonly Digest[], number][] = [];
  const clock = { now: 0 };
  const source: UrlSource = {
    places: async (digests, seconds) => {
      asked.push([digests, seconds]);
      return new Map(digests.map((digest) => [digest, { url: `https://s3/${digest}` }]));
    },
    linkText: async ({ path }) => options.links?.[path] ?? '',
    root: '/repo',
    now: () => clock.now,
  };
  const stage = {
    stage: { timeoutSeconds: options.timeoutSeconds },
    broadcast: options.broadcast ?? [],
  } as unknown as StageWork;
  const lists = createUrlLists(stage, source);
  const of = (...deps: SandboxDep[]) =>
    lists({ id: '', captures: new Map(), deps, outs: [] }, new AbortController().signal);
  return { of, asked, clock };
}

describe('lists of URLs', () => {
  it('are signed for the stage’s timeout, or twelve hours', async () => {
    const short = openLists({ timeoutSeconds: 600 });
    await short.of(urlDep('raw', fileAt('data/a')));
    expect(short.asked).toEqual([[['data/a'], 600]]);
    const usual = openLists({});
    expect((await usual.of(urlDep('raw', fileAt('data/a')))).get('raw')).toBe(
      '{"path":"data/a","digest":"data/a","size":3,"url":"https://s3/data/a"}\n',
    );
    expect(usual.asked[0]?.[1]).toBe(12 * 3600);
  });

  it('that all datums share are made again before they end', async () => {
    const { of, asked, clock } = openLists({
      timeoutSeconds: 60,
      broadcast: [urlDep('grid', fileAt('data/g'))],
    });
    await of();
    clock.now = 60_000;
    expect([...(await of(urlDep('raw', fileAt('data/a')))).keys()]).toEqual(['grid', 'raw']);
    expect(asked.filter(([[digest]]) => digest === ('data/g' as Digest))).toEqual([[['data/g'], 120]]);
    clock.now = 60_001;
    await of();
    expect(asked.filter(([[digest]]) => digest === ('data/g' as Digest))).toHaveLength(2);
  });

  it('have the file that a symlink of the same dep leads to, and a plain file where it lies', async () => {
    const { of } = openLists({ links: { 'data/b': 'sub/c', 'data/sub/c': '../a', 'data/x': '../../etc' } });
    const link = (path: string): SandboxFile => fileAt(path, { kind: 'l' });
    const lists = await of(
      urlDep('raw', fileAt('data/a'), link('data/b'), link('data/sub/c')),
      urlDep('plain', fileAt('my notes.txt', { from: 'workspace' })),
    );
    const urls = (name: string): unknown[] =>
      (lists.get(name) ?? '')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as ObjectPlace).url);
    expect(urls('raw')).toEqual(['https://s3/data/a', 'https://s3/data/a', 'https://s3/data/a']);
    expect(urls('plain')).toEqual(['file:///repo/my%20notes.txt']);
    await expect(of(urlDep('raw', link('data/x')))).rejects.toMatchObject({
      failure: { code: 'outside-link' },
    });
  });
});
