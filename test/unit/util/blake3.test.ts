import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createHasher,
  digestBytes,
  digestHex,
  hashEngine,
  hexOf,
  loadNative,
  loadWasm,
} from '../../../src/util/blake3.ts';

const native = loadNative();
const engines = [...(native === undefined ? [] : [native]), loadWasm()];

/** From BLAKE3's published test vectors: the input is the bytes 0, 1, 2, … 250, 0, 1, … of that length. */
const vectors: [length: number, digest: string][] = [
  [0, 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
  [1, '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213'],
  [63, 'e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b'],
  [64, '4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98'],
  [65, 'de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee'],
  [1023, '10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11'],
  [1024, '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7'],
  [1025, 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444'],
  [2048, 'e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a'],
  [8192, 'aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63'],
  [102400, 'bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085'],
];

describe.each(engines)('the $name engine', (engine) => {
  test.each(vectors)('gives the published digest of %i bytes', (length, digest) => {
    const input = counting(length);
    expect(engine.digestHex(input)).toBe(digest);
    expect(hexOf(engine.digestBytes(input))).toBe(digest);
  });

  test('gives the same digest whole and in pieces', () => {
    const input = counting(3_000_001);
    const hasher = engine.createHasher();
    for (let from = 0; from < input.length; from += 99_991)
      hasher.update(input.subarray(from, from + 99_991));
    expect(hasher.digestHex()).toBe(engine.digestHex(input));
  });

  test('keeps hashers that are used at the same time apart', () => {
    const [a, b] = [engine.createHasher(), engine.createHasher()];
    a.update(counting(1));
    b.update(counting(63));
    engine.digestHex('between');
    expect(a.digestHex()).toBe(vectors[1]?.[1]);
    const c = engine.createHasher();
    c.update(counting(64));
    expect(b.digestHex()).toBe(vectors[2]?.[1]);
    expect(c.digestHex()).toBe(vectors[3]?.[1]);
  });

  test('hashes text as UTF-8', () => {
    expect(engine.digestHex('Grüße, 世界')).toBe(engine.digestHex(Buffer.from('Grüße, 世界')));
  });
});

test.skipIf(native === undefined)('both engines agree on any bytes and any text', () => {
  const wasm = loadWasm();
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 5000 }), fc.string({ unit: 'binary' })), (input) => {
      expect(wasm.digestHex(input)).toBe(native?.digestHex(input));
    }),
  );
});

test('the engine in use answers all calls alike', () => {
  const hasher = createHasher();
  hasher.update(counting(1024));
  const digest = hasher.digestHex();
  expect(digest).toBe(digestHex(counting(1024)));
  expect(digest).toBe(hexOf(digestBytes(counting(1024))));
  expect(hashEngine()).toBe(native === undefined ? 'wasm' : 'native');
});

test('bytes within a larger buffer are read at their offset', () => {
  expect(hexOf(new Uint8Array([1, 2, 254, 255]).subarray(2))).toBe('feff');
});

function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index % 251);
}
