import { formatListing, parseListing } from '../formats/tree-text.ts';
import type { Digest } from '../model/digest.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { damaged } from '../model/problem.ts';
import type { Store } from '../store/store.ts';
import { digestHex } from '../util/blake3.ts';
import { forEachLimit } from '../util/limit.ts';

/** The marker: one line, the name of the version that readers should take. */
const MARKER = 'refs/current';
const VERSIONS = 'refs/versions/';
/** Lists of versions that began and may not have ended. */
const UNFINISHED = 'refs/unfinished/';

/** One published version: its files by repository path, sorted. */
export interface Edition {
  readonly name: string;
  readonly files: readonly FileEntry[];
}

/** What was published to a place, and how a further version comes about. */
export class Editions {
  readonly current: Edition | undefined;
  readonly unfinished: readonly Edition[];
  /** Paths at which something of ours lies or may lie. */
  readonly paths: ReadonlySet<string>;
  readonly #store: Store;
  readonly #names: readonly string[];
  readonly #shown = new Map<string, string>();

  constructor(
    store: Store,
    {
      current,
      unfinished,
      names,
    }: Pick<Editions, 'current' | 'unfinished'> & { readonly names: readonly string[] },
  ) {
    this.current = current;
    this.unfinished = unfinished;
    this.#store = store;
    this.#names = names;
    for (const entry of current?.files ?? []) this.#shown.set(entry.path, formatListing([entry]));
    const paths = new Set(this.#shown.keys());
    for (const { files } of unfinished) {
      const began = new Map(files.map((entry) => [entry.path, formatListing([entry])]));
      for (const path of began.keys()) paths.add(path);
      // What a version that was broken off has otherwise may be either.
      for (const [path, line] of this.#shown) if (began.get(path) !== line) this.#shown.delete(path);
    }
    this.paths = paths;
  }

  /** Whether a file surely lies there as it should. */
  hasShown(entry: FileEntry): boolean {
    return this.#shown.get(entry.path) === formatListing([entry]);
  }

  /** The version after the last, with these files. */
  next(files: readonly FileEntry[]): Edition {
    const last = [...this.#names, ...this.unfinished.map(({ name }) => name)].sort().at(-1);
    const number = Number.parseInt(last ?? '0', 10) + 1;
    const name = `${String(number).padStart(8, '0')}-${digestHex(formatListing(files)).slice(0, 8)}`;
    return { name, files };
  }

  /** Says what is about to be put, so that whoever comes after a crash knows it. */
  async announce({ name, files }: Edition): Promise<void> {
    await this.#store.writeFile(`${UNFINISHED}${name}`, Buffer.from(formatListing(files)), { replace: true });
  }

  /** Writes the list, then the marker; then drops versions beyond those to keep, and what only they have. */
  async conclude(
    edition: Edition,
    { keep, limit, signal }: { readonly keep: number; readonly limit: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const store = this.#store;
    await store.writeFile(`${VERSIONS}${edition.name}`, Buffer.from(formatListing(edition.files)), {
      replace: true,
    });
    await store.writeFile(MARKER, Buffer.from(`${edition.name}\n`), { replace: true });
    const before = this.#names.filter((name) => name <= (this.current?.name ?? ''));
    const kept = keep === 0 ? [] : before.filter((name) => name !== edition.name).slice(-keep);
    const dropped = this.#names.filter((name) => name !== edition.name && !kept.includes(name));
    const alive = new Set(edition.files.map(({ digest }) => digest));
    const dead = new Set<Digest>();
    if (dropped.length > 0 || this.unfinished.length > 0) {
      for (const name of kept)
        for (const { digest } of (await readEdition(store, name)).files) alive.add(digest);
      for (const name of dropped)
        for (const { digest } of (await readEdition(store, name)).files) dead.add(digest);
      for (const { files } of this.unfinished) for (const { digest } of files) dead.add(digest);
    }
    // Lists go first, so that none names what is gone.
    for (const name of dropped) await store.removeFile(`${VERSIONS}${name}`);
    const rest = [...dead].filter((digest) => !alive.has(digest));
    await forEachLimit(rest, { limit, signal }, (digest) => store.removeObject(digest));
    for (const { name } of [...this.unfinished, edition]) await store.removeFile(`${UNFINISHED}${name}`);
  }
}

/** Reads what a place says of itself: two requests, a list of names, and the list of the version that readers see. */
export async function readEditions(store: Store): Promise<Editions> {
  const marker = Buffer.from((await store.readFile(MARKER)) ?? [])
    .toString()
    .trim();
  const names =
    marker === '' ? [] : (await store.listFiles(VERSIONS)).map((name) => name.slice(VERSIONS.length));
  const begun = await store.listFiles(UNFINISHED);
  const unfinished: Edition[] = [];
  for (const name of begun) {
    const files = await readList(store, name);
    if (files !== undefined) unfinished.push({ name: name.slice(UNFINISHED.length), files });
  }
  const current = marker === '' ? undefined : await readEdition(store, marker);
  return new Editions(store, { current, unfinished, names: names.sort() });
}

async function readEdition(store: Store, name: string): Promise<Edition> {
  const files = await readList(store, `${VERSIONS}${name}`);
  if (files !== undefined) return { name, files };
  throw damaged(
    'corrupt-publication',
    `${store.url} ${MARKER} names ${name}, and there is no such list`,
    `Write the name of another one of ${VERSIONS} into it, or publish to an empty place.`,
  );
}

async function readList(store: Store, name: string): Promise<readonly FileEntry[] | undefined> {
  const bytes = await store.readFile(name);
  return bytes === undefined
    ? undefined
    : parseListing(Buffer.from(bytes).toString(), `${store.url} ${name}`);
}
