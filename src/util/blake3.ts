import { createRequire } from 'node:module';

/** One incremental hash. After `digestHex` it is spent: it goes back to a pool and must not be used again. */
export interface Hasher {
  /** Adds bytes; they are read before it returns, so the caller may reuse the buffer. */
  update(data: Uint8Array): void;
  digestHex(): string;
}

/** One implementation of BLAKE3. Text is hashed as UTF-8. All of it is synchronous and single-threaded. */
export interface HashEngine {
  readonly name: 'native' | 'wasm';
  digestBytes(data: Uint8Array | string): Uint8Array;
  digestHex(data: Uint8Array | string): string;
  createHasher(): Hasher;
}

/** The 32 bytes of the BLAKE3 digest. About 2 µs for short input; `digestHex` is cheaper. */
export function digestBytes(data: Uint8Array | string): Uint8Array {
  return engine().digestBytes(data);
}

/** The BLAKE3 digest as 64 lowercase hex digits. About 1 µs for short input, then 3 GB/s (wasm: 0.3 GB/s). */
export function digestHex(data: Uint8Array | string): string {
  return engine().digestHex(data);
}

/** A hash to be fed piece by piece, for what shouldn't be in memory whole. */
export function createHasher(): Hasher {
  return engine().createHasher();
}

/** Bytes as lowercase hex. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Which implementation is in use here, for `doctor`. */
export function hashEngine(): 'native' | 'wasm' {
  return engine().name;
}

let loaded: HashEngine | undefined;

/** Loaded on first use, since `--version` and `help` hash nothing: 3 ms native, 4 ms wasm. */
function engine(): HashEngine {
  return (loaded ??= loadNative() ?? loadWasm());
}

const load = createRequire(import.meta.url);

interface NativeModule {
  blake3(input: Uint8Array | string): Uint8Array;
  Blake3Hasher: new () => NativeHasher;
}

interface NativeHasher {
  reset(): void;
  update(input: Uint8Array | string): unknown;
  digest(format: 'hex'): string;
}

/** The prebuilt addon of `@napi-rs/blake-hash`; undefined where there is none for this machine. */
export function loadNative(): HashEngine | undefined {
  const native = requireNative();
  if (native === undefined) return undefined;
  // A new native hasher costs 7–14 µs and a reset one 0.1 µs: with 100,000 files that is a second.
  const spare: NativeHasher[] = [];
  const one = new native.Blake3Hasher();
  return {
    name: 'native',
    digestBytes: (data) => native.blake3(data),
    digestHex: (data) => {
      one.reset();
      one.update(data);
      return one.digest('hex');
    },
    createHasher: () => {
      const hasher = spare.pop() ?? new native.Blake3Hasher();
      hasher.reset();
      return {
        update: (data) => void hasher.update(data),
        digestHex: () => {
          const hex = hasher.digest('hex');
          spare.push(hasher);
          return hex;
        },
      };
    },
  };
}

/** Asked for directly, the common builds load in 3 ms; their loader writes a diagnostic report first: 9 ms. */
const commonBuilds = ['linux-x64-gnu', 'linux-arm64-gnu', 'darwin-arm64'];

function requireNative(): NativeModule | undefined {
  try {
    const loader = load.resolve('@napi-rs/blake-hash');
    const loadBuild = createRequire(loader);
    for (const build of commonBuilds) {
      try {
        return loadBuild(`@napi-rs/blake-hash-${build}`) as NativeModule;
      } catch {
        // Not the build of this machine.
      }
    }
    return load('@napi-rs/blake-hash') as NativeModule;
  } catch {
    return undefined;
  }
}

interface WasmModule {
  hash(data: Uint8Array, out: Uint8Array): void;
  create_hasher(): { update(data: Uint8Array): void; digest(out: Uint8Array): void; free(): void };
}

/** WebAssembly copies its input: pieces keep its memory small whatever the size of the data. */
const wasmPiece = 1 << 20;

/** The WebAssembly of the `blake3` package, which the build copies into dist (docs/decisions/002-blake3.md). */
export function loadWasm(): HashEngine {
  const wasm = load('#blake3-wasm') as WasmModule;
  const digestBytesOf = (data: Uint8Array | string): Uint8Array => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const out = new Uint8Array(32);
    if (bytes.byteLength <= wasmPiece) {
      wasm.hash(bytes, out);
      return out;
    }
    const hash = wasm.create_hasher();
    updateInPieces(hash, bytes);
    hash.digest(out);
    hash.free();
    return out;
  };
  return {
    name: 'wasm',
    digestBytes: digestBytesOf,
    digestHex: (data) => hexOf(digestBytesOf(data)),
    createHasher: () => {
      const hash = wasm.create_hasher();
      return {
        update: (data) => {
          updateInPieces(hash, data);
        },
        digestHex: () => {
          const out = new Uint8Array(32);
          hash.digest(out);
          hash.free();
          return hexOf(out);
        },
      };
    },
  };
}

function updateInPieces(hash: { update(data: Uint8Array): void }, data: Uint8Array): void {
  for (let from = 0; from < data.byteLength; from += wasmPiece) {
    hash.update(data.subarray(from, from + wasmPiece));
  }
}
