import { mkdirSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { parentOf } from '../model/repo-path.ts';
import { takeCensus, type Census } from './census.ts';
import { allDeps, pathFrom, type CommandPlaces } from './command-env.ts';
import type { Placed, Placer } from './place.ts';
import type { DatumWork, SandboxDep, SandboxFile, StageWork } from './runner.ts';
import { removeFolder } from './sandbox-home.ts';

/**
 * One working directory with its scratch, used by one datum at a time:
 *
 *     <folder>/work    the repository as a command sees it
 *     <folder>/home, <folder>/temp    scratch, emptied after each datum
 *     <folder>/lists   the files of $DATAWF_INPUTS
 *
 * `furnish` puts in what a stage's datums share, `enter` what one datum sees; after the command `census` tells what else
 * it did, `leave` takes the datum's files out again, `strip` the stage's. Folders that the next datum needs too stay. A
 * sandbox in which anything unexpected happened is destroyed, never reused.
 */
export class Sandbox {
  readonly work: string;
  readonly places: CommandPlaces;
  readonly #placer: Placer;
  readonly folder: string;
  readonly #shared = new Map<string, Placed>();
  readonly #own = new Map<string, Placed>();
  readonly #sharedFolders = new Set<string>();
  readonly #folders = new Set<string>();
  #outs: DatumWork['outs'] = [];
  #sharedList = '';

  constructor(folder: string, placer: Placer) {
    this.folder = folder;
    this.#placer = placer;
    this.work = `${folder}/work`;
    this.places = { home: `${folder}/home`, temp: `${folder}/temp`, lists: `${folder}/lists` };
    for (const made of [folder, this.work, this.places.home, this.places.temp, this.places.lists])
      mkdirSync(made);
  }

  /** Puts in code and broadcast deps. A SandboxFault where one of them can't be had. */
  furnish(stage: StageWork): void {
    if (stage.stage.base !== '') this.#makeFolder(stage.stage.base, this.#sharedFolders);
    for (const file of stage.code) this.#place(file, this.#shared, this.#sharedFolders);
    for (const dep of stage.broadcast) this.#placeDep(dep, this.#shared, this.#sharedFolders);
    const lists = stage.broadcast.map((dep) => this.#writeList(stage.stage.base, dep));
    this.#sharedList = lists.join('');
  }

  /** Puts in what one datum sees and makes place for its outs. */
  enter(stage: StageWork, work: DatumWork): void {
    this.#dropFoldersBut(neededFolders(work));
    this.#outs = work.outs;
    for (const dep of work.deps) this.#placeDep(dep, this.#own, this.#folders);
    for (const out of work.outs)
      this.#makeFolder(out.directory ? out.path : parentOf(out.path), this.#folders);
    const lists = work.deps.map((dep) => this.#writeList(stage.stage.base, dep));
    writeFileSync(
      `${this.places.lists}/all`,
      withoutRepeats(this.#sharedList + lists.join(''), stage.broadcast.length + lists.length),
    );
  }

  /** Only writes the lists, for a command that runs elsewhere. */
  list(stage: StageWork, work: DatumWork): void {
    const lists = allDeps(stage, work).map((dep) => this.#writeList(stage.stage.base, dep));
    writeFileSync(`${this.places.lists}/all`, withoutRepeats(lists.join(''), lists.length));
  }

  /** What the command did besides writing its outs. */
  census(): Census {
    const outs = new Set(this.#outs.map((out): string => out.path));
    const folders = new Set([...this.#sharedFolders, ...this.#folders]);
    return takeCensus({ work: this.work, files: [this.#shared, this.#own], folders, outs });
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

  /** Takes the stage's files out, so that another stage can use the sandbox. Throws where something is left in the way. */
  strip(): void {
    this.#dropFoldersBut(new Set());
    for (const path of this.#shared.keys()) unlinkSync(`${this.work}/${path}`);
    this.#shared.clear();
    for (const path of deepestFirst(this.#sharedFolders)) rmdirSync(`${this.work}/${path}`);
    this.#sharedFolders.clear();
    for (const name of readdirSync(this.places.lists)) unlinkSync(`${this.places.lists}/${name}`);
  }

  destroy(): void {
    removeFolder(this.folder);
  }

  #placeDep(dep: SandboxDep, files: Map<string, Placed>, folders: Set<string>): void {
    for (const file of dep.files) this.#place(file, files, folders);
    if (isFolderDep(dep)) this.#makeFolder(dep.value, folders);
  }

  #place(file: SandboxFile, files: Map<string, Placed>, folders: Set<string>): void {
    // Two deps may see one file.
    if (this.#shared.has(file.path) || this.#own.has(file.path)) return;
    this.#makeFolder(parentOf(file.path), folders);
    files.set(file.path, this.#placer.place(file, `${this.work}/${file.path}`));
  }

  #makeFolder(path: string, folders: Set<string>): void {
    if (path === '' || this.#sharedFolders.has(path) || this.#folders.has(path)) return;
    this.#makeFolder(parentOf(path), folders);
    mkdirSync(`${this.work}/${path}`);
    folders.add(path);
  }

  #dropFoldersBut(needed: ReadonlySet<string>): void {
    for (const path of deepestFirst(this.#folders)) {
      if (needed.has(path)) continue;
      rmdirSync(`${this.work}/${path}`);
      this.#folders.delete(path);
    }
  }

  #writeList(base: string, dep: SandboxDep): string {
    const text = dep.files.map((file) => `${pathFrom(base, file.path)}\n`).join('');
    writeFileSync(`${this.places.lists}/dep-${dep.name}`, text);
    return text;
  }
}

/** Whether a dep's value is a folder: the one before its first capture or wildcard, there even without files. */
function isFolderDep(dep: SandboxDep): boolean {
  return dep.value !== '' && !(dep.files.length === 1 && dep.files[0]?.path === dep.value);
}

function neededFolders(work: DatumWork): ReadonlySet<string> {
  const needed = new Set<string>();
  const add = (folder: string): void => {
    for (let path = folder; path !== '' && !needed.has(path); path = parentOf(path)) needed.add(path);
  };
  for (const dep of work.deps) {
    for (const file of dep.files) add(parentOf(file.path));
    if (isFolderDep(dep)) add(dep.value);
  }
  for (const out of work.outs) add(out.directory ? out.path : parentOf(out.path));
  return needed;
}

function deepestFirst(folders: ReadonlySet<string>): readonly string[] {
  return [...folders].sort((a, b) => b.length - a.length);
}

/** Lines of several lists, each once, in order. */
function withoutRepeats(text: string, lists: number): string {
  if (lists <= 1 || text === '') return text;
  return `${[...new Set(text.slice(0, -1).split('\n'))].join('\n')}\n`;
}
