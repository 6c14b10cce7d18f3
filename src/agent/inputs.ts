import { rmSync } from 'node:fs';
import type { Digest } from '../model/digest.ts';
import { EXIT, Problem } from '../model/problem.ts';
import type { SandboxFile } from '../run/runner.ts';
import type { DiskStore } from '../store/disk-store.ts';
import type { Store } from '../store/store.ts';
import { forEachLimit } from '../util/limit.ts';
import { patiently, type Patience } from './patience.ts';

export interface InputsOptions {
  /** Where objects are linked from. */
  readonly local: DiskStore;
  /** In the order in which they are asked. */
  readonly stores: readonly Store[];
  readonly patience: Patience;
}

const AT_ONCE = 16;

/** Objects of the datums at hand in the pod's own store; each is there as long as somebody holds it. */
export class Inputs {
  readonly #options: InputsOptions;
  readonly #held = new Map<Digest, number>();
  readonly #coming = new Map<Digest, Promise<void>>();

  constructor(options: InputsOptions) {
    this.#options = options;
  }

  /**
   * Fetches what isn't here, verified, and holds it until `release`. Throws a Problem: `missing-object` where no store has
   * one, `corrupt-object` where it came damaged twice, or why the stores can't be read.
   */
  async hold(files: readonly SandboxFile[], signal: AbortSignal): Promise<void> {
    const digests = digestsOf(files);
    for (const digest of digests) this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
    await forEachLimit(digests, { limit: AT_ONCE, signal }, (digest) => this.#bring(digest, signal));
  }

  /** Gives up what `hold` held: what nobody else holds is removed. */
  release(files: readonly SandboxFile[]): void {
    for (const digest of digestsOf(files)) {
      const holders = (this.#held.get(digest) ?? 0) - 1;
      if (holders > 0) {
        this.#held.set(digest, holders);
        continue;
      }
      this.#held.delete(digest);
      rmSync(this.#options.local.objectPath(digest), { force: true });
    }
  }

  async #bring(digest: Digest, signal: AbortSignal): Promise<void> {
    if (this.#options.local.hasObjectSync(digest)) return;
    const coming = this.#coming.get(digest) ?? this.#fetch(digest, signal);
    this.#coming.set(digest, coming);
    try {
      await coming;
    } finally {
      this.#coming.delete(digest);
    }
  }

  async #fetch(digest: Digest, signal: AbortSignal): Promise<void> {
    const once = (): Promise<void> =>
      patiently(() => this.#fetchOnce(digest, signal), this.#options.patience, signal);
    try {
      await once();
    } catch (error) {
      if (!(error instanceof Problem) || error.exit !== EXIT.integrity) throw error;
      await once();
    }
  }

  async #fetchOnce(digest: Digest, signal: AbortSignal): Promise<void> {
    const { local, stores } = this.#options;
    const file = `${local.tempFolder()}/${digest}`;
    let missing: unknown;
    for (const store of stores) {
      try {
        await store.fetchObject(digest, file, signal);
        local.adopt(file, digest);
        return;
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'missing-object') throw error;
        missing ??= error;
      }
    }
    throw missing;
  }
}

function digestsOf(files: readonly SandboxFile[]): ReadonlySet<Digest> {
  return new Set(files.map((file) => file.digest));
}
