import {
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { parentOf } from '../model/repo-path.ts';
import { takeCensus, type Census } from './census.ts';
import { allDeps, listName, pathFrom, placedFiles, type CommandPlaces } from './command-env.ts';
import type { Placed, Placer } from './place.ts';
import type { DatumWork, SandboxDep, SandboxFile, CommandWork } from './runner.ts';
import { removeFolder } from './sandbox-home.ts';
import { isUrlDep, type UrlLists } from './url-list.ts';

/**
 * One working directory with its scratch, used by one datum at a time:
 *
 *     <folder>/work    the repository as a command sees it
 *     <folder>/home, <folder>/temp    scratch, emptied after each datum
 *     <folder>/lists   the files of $DATAWF_INPUTS
 *
 * `enter` puts in what one datum sees, and with the first datum of a stage what all of them share; after the command
 * `census` tells what else it did, `leave` takes the datum's files out again and `strip` the stage's. Folders stay until
 * they are in the way: making and removing them costs more than all the rest where a disk is busy. A sandbox in which
 * anything unexpected happened is destroyed, never reused.
 */
export class Sandbox {
  readonly folder: string;
  readonly work: string;
  readonly places: CommandPlaces;
  readonly #placer: Placer;
  readonly #shared = new Map<string, Placed>();
  readonly #own = new Map<string, Placed>();
  /** All folders that are there. */
  readonly #folders = new Set<string>();
  #sharedFolders: ReadonlySet<string> | undefined;
  readonly #lists = new Set<string>();
  #outs: DatumWork['outs'] = [];

  constructor(folder: string, placer: Placer) {
    this.folder = folder;
    this.#placer = placer;
    this.work = `${folder}/work`;
    this.places = { home: `${folder}/home`, temp: `${folder}/temp`, lists: `${folder}/lists` };
    for (const made of [folder, this.work, this.places.home, this.places.temp, this.places.lists])
      mkdirSync(made);
  }

  /** Puts in what a datum sees and makes place for its outs. A SandboxFault where an input can't be had. */
  enter(stage: CommandWork, work: DatumWork, urls: UrlLists): void {
    const isFirst = this.#sharedFolders === undefined;
    this.#sharedFolders ??= sharedFolders(stage);
    const needed = new Set(this.#sharedFolders);
    addFolders(needed, work.deps);
    for (const out of work.outs) addFolder(needed, out.directory ? out.path : parentOf(out.path));
    this.#setFolders(needed);
    if (isFirst) this.#placeAll([...stage.code, ...stage.broadcast.flatMap(placedFiles)], this.#shared);
    this.#outs = work.outs;
    for (const dep of work.deps) this.#placeAll(placedFiles(dep), this.#own);
    this.list(stage, work, urls);
  }

  /** Only writes the lists, for a command that runs elsewhere. */
  list(stage: CommandWork, work: DatumWork, urls: UrlLists): void {
    const lists = listsOf(stage, work, urls);
    for (const name of this.#lists) {
      if (lists.has(name)) continue;
      rmSync(`${this.places.lists}/${name}`, { force: true });
      this.#lists.delete(name);
    }
    for (const [name, text] of lists) {
      const file = `${this.places.lists}/${name}`;
      if (name.endsWith('.ndjson')) putReadOnly(file, text);
      else overwrite(file, text);
      this.#lists.add(name);
    }
  }

  /** What the command did besides writing its outs. */
  census(): Census {
    const outs = new Set(this.#outs.map((out): string => out.path));
    return takeCensus({ work: this.work, files: [this.#shared, this.#own], folders: this.#folders, outs });
  }

  /** Makes ready for the next datum; `moved` are the outs whose files are gone already. */
  leave(moved: ReadonlySet<string>): void {
    for (const path of this.#own.keys()) unlinkSync(`${this.work}/${path}`);
    this.#own.clear();
    for (const out of this.#outs) {
      if (moved.has(out.path)) continue;
      removeFolder(`${this.work}/${out.path}`);
      this.#folders.delete(out.path);
    }
    this.#outs = [];
    for (const scratch of [this.places.home, this.places.temp]) {
      if (readdirSync(scratch).length === 0) continue;
      removeFolder(scratch);
      mkdirSync(scratch);
    }
  }

  /** Takes the stage's files out, so that another stage can use the sandbox. Throws where something is in the way. */
  strip(): void {
    for (const path of this.#shared.keys()) unlinkSync(`${this.work}/${path}`);
    this.#shared.clear();
    this.#sharedFolders = undefined;
  }

  destroy(): void {
    removeFolder(this.folder);
  }

  #placeAll(files: readonly SandboxFile[], into: Map<string, Placed>): void {
    for (const file of files) {
      // Two deps may see one file.
      if (this.#shared.has(file.path) || this.#own.has(file.path)) continue;
      into.set(file.path, this.#placer.place(file, `${this.work}/${file.path}`));
    }
  }

  /** Makes and removes folders until there are just these; they hold their parents. */
  #setFolders(needed: ReadonlySet<string>): void {
    for (const path of [...this.#folders].reverse()) {
      if (needed.has(path)) continue;
      rmdirSync(`${this.work}/${path}`);
      this.#folders.delete(path);
    }
    for (const path of needed) {
      if (this.#folders.has(path)) continue;
      mkdirSync(`${this.work}/${path}`);
      this.#folders.add(path);
    }
  }
}

function sharedFolders(stage: CommandWork): ReadonlySet<string> {
  const folders = new Set<string>();
  addFolder(folders, stage.stage.base);
  for (const file of stage.code) addFolder(folders, parentOf(file.path));
  addFolders(folders, stage.broadcast);
  return folders;
}

function addFolders(folders: Set<string>, deps: readonly SandboxDep[]): void {
  for (const dep of deps) {
    for (const file of placedFiles(dep)) addFolder(folders, parentOf(file.path));
    if (isFolderDep(dep)) addFolder(folders, dep.value);
  }
}

/** Adds a folder behind its parents. */
function addFolder(folders: Set<string>, path: string): void {
  if (path === '' || folders.has(path)) return;
  addFolder(folders, parentOf(path));
  folders.add(path);
}

/** Whether a dep's value is a folder: the one before its first capture or wildcard, there even without files. */
function isFolderDep(dep: SandboxDep): boolean {
  return (
    dep.value !== '' && dep.access !== 'url' && !(dep.files.length === 1 && dep.files[0]?.path === dep.value)
  );
}

/**
 * The lists of a datum by the name of their file; see `commandEnv`. With one dep there is just `all`, which then is that
 * dep's as well.
 */
function listsOf(stage: CommandWork, work: DatumWork, urls: UrlLists): ReadonlyMap<string, string> {
  const { base } = stage.stage;
  const deps = allDeps(stage, work);
  const texts = deps.map((dep) =>
    placedFiles(dep)
      .map((file) => `${pathFrom(base, file.path)}\n`)
      .join(''),
  );
  const lists = new Map([['all', texts.length === 1 ? (texts[0] ?? '') : withoutRepeats(texts.join(''))]]);
  if (deps.length > 1) deps.forEach((dep, index) => lists.set(listName(deps, dep), texts[index] ?? ''));
  for (const dep of deps.filter(isUrlDep)) lists.set(listName(deps, dep), urls.get(dep.name) ?? '');
  return lists;
}

/** Lines, each once, in order. */
function withoutRepeats(text: string): string {
  return text === '' ? '' : `${[...new Set(text.slice(0, -1).split('\n'))].join('\n')}\n`;
}

function putReadOnly(file: string, text: string): void {
  rmSync(file, { force: true });
  writeFileSync(file, text, { flag: 'wx', mode: 0o444 });
}

/**
 * Writes a file in place, making it where it isn't. Emptying one first makes ext4 write it out at once (its auto_da_alloc),
 * which takes milliseconds on a busy disk.
 */
function overwrite(file: string, text: string): void {
  const bytes = Buffer.from(text);
  const fd = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
  try {
    for (let from = 0; from < bytes.length;) from += writeSync(fd, bytes, from, bytes.length - from, from);
    ftruncateSync(fd, bytes.length);
  } finally {
    closeSync(fd);
  }
}
