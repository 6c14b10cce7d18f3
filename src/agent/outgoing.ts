import { closeSync, copyFileSync, fstatSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { fsProblem } from '../disk/fs-problem.ts';
import { hashOpenFile, READ_SIZE } from '../disk/read-hash.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import type { Intake } from '../run/intake.ts';
import type { FoundOutput } from '../run/outputs.ts';
import type { Store } from '../store/store.ts';
import { forEachLimit } from '../util/limit.ts';
import { patiently, type Patience } from './patience.ts';

/** An output on its way to the store. */
interface Parcel {
  readonly digest: Digest;
  readonly file: string;
}

const AT_ONCE = 8;

/** What a command wrote, taken out of its sandbox and sent to the store while the next command runs. */
export class Outgoing {
  readonly #folder: string;
  readonly #store: Store;
  readonly #patience: Patience;
  readonly #buffer = new Uint8Array(READ_SIZE);
  readonly #parcels: Parcel[] = [];
  #count = 0;

  /** `folder` is on the file system of the sandboxes. */
  constructor(folder: string, store: Store, patience: Patience) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.#store = store;
    this.#patience = patience;
  }

  /** For a session of datums: hashes outputs, and puts them aside until `send`. */
  intake(): Intake {
    return {
      take: async (files, mode) => {
        try {
          // Links first: what they point to may be moved away.
          const taken = new Map<string, FileEntry>();
          for (const file of files) if (!file.movable) taken.set(file.path, this.#take(file, 'copy'));
          for (const file of files) if (file.movable) taken.set(file.path, this.#take(file, mode));
          return files.flatMap((file) => taken.get(file.path) ?? []);
        } catch (error) {
          throw fsProblem(error, 'keep the outputs in', this.#folder);
        }
      },
    };
  }

  /** Ends what is on its way: parcels that were taken since the last call of this or of `send` are dropped. */
  drop(): void {
    for (const { file } of this.#parcels.splice(0)) rmSync(file, { force: true });
  }

  /** Sends what was taken since the last call; resolves when the store has it. Throws a Problem of the store. */
  async send(signal: AbortSignal): Promise<void> {
    const parcels = this.#parcels.splice(0);
    await forEachLimit(parcels, { limit: AT_ONCE, signal }, async ({ digest, file }) => {
      await patiently(() => this.#store.putObject(digest, file), this.#patience, signal);
      rmSync(file, { force: true });
    });
  }

  #take(output: FoundOutput, mode: 'move' | 'copy'): FileEntry {
    const aside = `${this.#folder}/${this.#count++}`;
    if (mode === 'move') renameSync(output.file, aside);
    else copyFileSync(output.file, aside);
    const fd = openSync(aside, 'r');
    try {
      const { size } = fstatSync(fd);
      const digest = hashOpenFile(fd, size, { buffer: this.#buffer }) as Digest;
      this.#parcels.push({ digest, file: aside });
      return { path: output.path, kind: output.executable ? 'x' : 'f', digest, size };
    } finally {
      closeSync(fd);
    }
  }
}
