import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { invalid, refused } from '../model/problem.ts';
import { errnoOf, fsProblem } from './fs-problem.ts';

/**
 * The folders below a root that files are written to or removed from: each is looked at once, made where it is absent, and
 * refused where a symlink leads it out of `inside`, so that no tree can write elsewhere. One per thread.
 */
export class FolderGuard {
  readonly #root: string;
  readonly #inside: string;
  readonly #known = new Map<string, string | undefined>();

  constructor(root: string, inside: string) {
    mkdirSync(root, { recursive: true });
    this.#root = root;
    this.#inside = realpathSync(inside);
    this.#known.set('', root);
    this.#leadsInside(root);
  }

  /** The absolute path of a folder, made where it was absent. Raises `file-in-the-way` (exit 6), `folder-outside` (exit 2). */
  make(folder: string): string {
    return this.#look(folder) ?? this.#make(folder);
  }

  /** The absolute path of a folder, undefined where there is none (also where a file is). Raises `folder-outside`. */
  find(folder: string): string | undefined {
    return this.#look(folder);
  }

  #look(folder: string): string | undefined {
    const known = this.#known.get(folder);
    if (known !== undefined) return known;
    const slash = folder.lastIndexOf('/');
    if (this.#look(slash < 0 ? '' : folder.slice(0, slash)) === undefined) return undefined;
    const path = `${this.#root}/${folder}`;
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || !(stat.isDirectory() || (stat.isSymbolicLink() && this.#leadsInside(path)))) {
      return undefined;
    }
    this.#known.set(folder, path);
    return path;
  }

  #make(folder: string): string {
    const slash = folder.lastIndexOf('/');
    this.make(slash < 0 ? '' : folder.slice(0, slash));
    const path = `${this.#root}/${folder}`;
    try {
      mkdirSync(path);
    } catch (error) {
      // Another thread may have made it meanwhile.
      if (errnoOf(error) !== 'EEXIST') throw fsProblem(error, 'make the folder', path);
      if (this.#look(folder) === undefined) throw fileInTheWay(path);
    }
    this.#known.set(folder, path);
    return path;
  }

  #leadsInside(path: string): boolean {
    let target: string;
    try {
      target = realpathSync(path);
    } catch {
      return false;
    }
    if (target !== this.#inside && !target.startsWith(`${this.#inside}/`)) {
      throw invalid(
        'folder-outside',
        `${path} is a symlink to ${target}, outside ${this.#inside}`,
        `Replace it by a folder: data of a dataset lies in the repository (\`cache.dir\` can put the bytes on another disk).`,
      );
    }
    return lstatSync(target).isDirectory();
  }
}

function fileInTheWay(path: string): Error {
  return refused(
    'file-in-the-way',
    `a folder belongs at ${path}, where a file is`,
    `Move it away (\`mv ${path} ${dirname(path)}/…\`), then run it again.`,
  );
}
