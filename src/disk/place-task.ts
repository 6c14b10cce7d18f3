import {
  chmodSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  type Stats,
} from 'node:fs';
import type { Digest } from '../model/digest.ts';
import { damaged, notFound, refused } from '../model/problem.ts';
import { KIND, WAY } from './file-columns.ts';
import { FolderGuard } from './folder-guard.ts';
import { errnoOf, fsProblem } from './fs-problem.ts';
import { checkLinkText } from './link-text.ts';
import { REFLINK_MIN, saysUnable, WayMemory, type LinkWay } from './link-way.ts';
import { objectFile, sealedStat, TempNames, vetObject } from './object-file.ts';
import { READ_SIZE } from './read-hash.ts';
import { TEMP_PREFIX } from './atomic-file.ts';
import type { RunOnFile, SharedJobs } from './shared-jobs.ts';

/** Making files from objects; the columns hold kinds, sizes and digests beforehand. See `MaterialiseOptions`. */
export interface PlaceTask {
  readonly task: 'place';
  readonly root: string;
  readonly inside: string;
  readonly storeFolder: string;
  readonly links: readonly LinkWay[];
  readonly editable: boolean;
}

/** Makes ready to place files in this thread. */
export function startPlacing(task: PlaceTask, jobs: SharedJobs): RunOnFile {
  const { columns } = jobs;
  const digests = Buffer.from(columns.digests.buffer);
  const placer = new Placer(task);
  return (path, index) => {
    const size = columns.sizes[index] ?? 0;
    // Written from a `Digest` by link.ts.
    const digest = digests.toString('hex', index * 32, index * 32 + 32) as Digest;
    const { stat, way } = placer.place({ path, kind: columns.kinds[index] ?? 0, digest, size });
    columns.mtimes[index] = stat.mtimeMs;
    columns.inos[index] = stat.ino;
    columns.devs[index] = stat.dev;
    columns.ctimes[index] = stat.ctimeMs;
    columns.ways[index] = way;
    return size;
  };
}

interface Wanted {
  readonly path: string;
  readonly kind: number;
  readonly digest: Digest;
  readonly size: number;
}

interface Source {
  readonly wanted: Wanted;
  readonly object: string;
  readonly stat: Stats;
  /** Absolute path to make. */
  readonly file: string;
}

interface Placed {
  readonly stat: Stats;
  readonly way: number;
}

/** Makes a file at a name that is free. Throws EEXIST where it isn't. */
type Make = (name: string) => void;

class Placer {
  readonly #task: PlaceTask;
  readonly #guard: FolderGuard;
  readonly #temps: TempNames;
  readonly #memory = new WayMemory();
  readonly #vetting: { readonly storeFolder: string; readonly buffer: Uint8Array };
  // Neighbours share a folder: what is known of the last one.
  #folder: string | undefined;
  #folderPath = '';
  #device = 0;

  constructor(task: PlaceTask) {
    this.#task = task;
    this.#guard = new FolderGuard(task.root, task.inside);
    this.#temps = new TempNames(task.storeFolder);
    this.#vetting = { storeFolder: task.storeFolder, buffer: Buffer.allocUnsafeSlow(READ_SIZE) };
  }

  place(wanted: Wanted): Placed {
    const { path, digest, size } = wanted;
    const object = objectFile(this.#task.storeFolder, digest);
    const stat = sealedStat(object, digest, size) ?? vetObject({ ...this.#vetting, digest, size });
    if (stat === undefined) throw missing(this.#task.storeFolder, wanted);
    const source = { wanted, object, stat, file: this.#fileFor(path) };
    try {
      return wanted.kind === KIND.link ? this.#placeLink(source) : this.#placeFile(source);
    } catch (error) {
      throw fsProblem(error, 'make', source.file);
    }
  }

  /** The absolute path of a file, whose folder is made. */
  #fileFor(path: string): string {
    const slash = path.lastIndexOf('/');
    const folder = slash < 0 ? '' : path.slice(0, slash);
    if (folder !== this.#folder) {
      this.#folderPath = this.#guard.make(folder);
      this.#device = statSync(this.#folderPath).dev;
      this.#folder = folder;
    }
    return `${this.#folderPath}/${slash < 0 ? path : path.slice(slash + 1)}`;
  }

  #placeFile(source: Source): Placed {
    const device = this.#device;
    const { kind, size } = source.wanted;
    const own = kind === KIND.executable || this.#task.editable;
    for (const way of this.#task.links) {
      if (way === 'copy') break;
      if (!this.#memory.isAble(way, device) || (own && way !== 'reflink')) continue;
      if (way === 'reflink' && size < REFLINK_MIN) continue;
      try {
        return this.#placeBy(way, source);
      } catch (error) {
        const errno = errnoOf(error);
        // EMLINK: this object has all the names it can have (65,000 on ext4), others haven't.
        if (errno === 'EMLINK') break;
        if (!saysUnable(errno) || errno === 'EACCES') throw error;
        this.#memory.forget(way, device);
      }
    }
    return this.#placeCopy(source, constants.COPYFILE_FICLONE, WAY.copy);
  }

  #placeBy(way: Exclude<LinkWay, 'copy'>, source: Source): Placed {
    switch (way) {
      case 'reflink':
        return this.#placeCopy(source, constants.COPYFILE_FICLONE_FORCE, WAY.reflink);
      case 'hardlink':
        return this.#placeHardlink(source);
      case 'symlink':
        this.#put(source.file, (name) => symlinkSync(source.object, name));
        return { stat: lstatSync(source.file), way: WAY.symlink };
    }
  }

  /** Two calls a file, the stat that vets the object and the link; the stat is the file's too, but for its ctime. */
  #placeHardlink(source: Source): Placed {
    const placed = { stat: source.stat, way: WAY.hardlink };
    try {
      linkSync(source.object, source.file);
      return placed;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    // A rename between two names of one inode does nothing, so that must be known first.
    const held = lstatSync(source.file, { throwIfNoEntry: false });
    if (held?.ino === source.stat.ino && held.dev === source.stat.dev) return placed;
    this.#replace(source.file, this.#temps.next(), (name) => linkSync(source.object, name));
    return placed;
  }

  #placeCopy(source: Source, mode: number, way: number): Placed {
    const temp = this.#tempBeside(source.file);
    this.#replace(source.file, temp, (name) => {
      copyFileSync(source.object, name, mode | constants.COPYFILE_EXCL);
      chmodSync(name, this.#modeOf(source.wanted.kind));
      // As old as the object, so that nobody has to wait until the file is older than its record.
      if (!this.#task.editable) utimesSync(name, source.stat.atimeMs / 1000, source.stat.mtimeMs / 1000);
    });
    return { stat: lstatSync(source.file), way };
  }

  #placeLink(source: Source): Placed {
    const bytes = readFileSync(source.object);
    const text = bytes.toString();
    checkLinkText(source.file, text, this.#task.inside);
    if (text.includes('\0') || text === '') throw badLink(source);
    this.#put(source.file, (name) => symlinkSync(text, name));
    return { stat: lstatSync(source.file), way: WAY.own };
  }

  #modeOf(kind: number): number {
    const bits = this.#task.editable ? 0o644 : 0o444;
    return kind === KIND.executable ? bits | 0o111 : bits;
  }

  /** Makes something in one step: straight where the name is free, else aside and over what is there. */
  #put(file: string, make: Make): void {
    try {
      make(file);
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    this.#replace(file, this.#tempBeside(file), make);
  }

  #replace(file: string, temp: string, make: Make): void {
    try {
      make(temp);
      renameOver(temp, file);
    } catch (error) {
      rmSync(temp, { force: true });
      throw error;
    }
  }

  /** A name on the file's own device, which the store's needn't be. */
  #tempBeside(file: string): string {
    const temp = this.#temps.next();
    return `${file.slice(0, file.lastIndexOf('/') + 1)}${TEMP_PREFIX}${temp.slice(temp.lastIndexOf('/') + 1)}`;
  }
}

function renameOver(temp: string, file: string): void {
  try {
    renameSync(temp, file);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'EISDIR' && errno !== 'ENOTEMPTY' && errno !== 'EEXIST') throw error;
    try {
      rmdirSync(file);
    } catch {
      throw refused(
        'folder-in-the-way',
        `a file belongs at ${file}, where a folder with something in it is`,
        'Move the folder away, then run it again.',
      );
    }
    renameSync(temp, file);
  }
}

function missing(storeFolder: string, wanted: Wanted): Error {
  return notFound(
    'missing-object',
    `${wanted.path} needs object ${wanted.digest}, which ${storeFolder} doesn't have`,
    'Get it with `datawf pull`, or run the stage that makes it.',
  );
}

function badLink(source: Source): Error {
  return damaged(
    'corrupt-object',
    `object ${source.wanted.digest} is no target of a symlink, as ${source.wanted.path} needs it`,
  );
}
