import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Tip } from '../workspace/git-history.ts';
import type { AppContext } from './ports.ts';

/** A version as a bucket. */
export interface ServedRef {
  /** Name of the bucket. */
  readonly bucket: string;
  /** The branch or tag. */
  readonly name: string;
  readonly kind: 'branch' | 'tag';
  readonly commit: string;
  /** Of its commit, epoch milliseconds. */
  readonly time: number;
}

const MOST_KNOWN = 1000;

/** The versions that there are, by the names of their buckets. */
export class ServedRefs {
  readonly #ctx: AppContext;
  /** Commits by bucket, and how git's files of such a ref looked. */
  readonly #known = new Map<string, { readonly look: string; readonly commit: string }>();

  constructor(ctx: AppContext) {
    this.#ctx = ctx;
  }

  /** All branches, then all tags, each by name. One whose bucket another version's own name takes is left out. */
  async list(): Promise<readonly ServedRef[]> {
    const tips = await this.#ctx.git.history.tips();
    const times = await this.#ctx.git.history.times([...new Set(tips.map(({ commit }) => commit))]);
    const served = new Map<string, ServedRef>();
    for (const kind of ['branch', 'tag'] as const) {
      for (const tip of tips) {
        const { name, commit } = tip;
        const bucket = bucketOf(name);
        if (tip.kind !== kind || served.has(bucket) || this.#find(tips, bucket) !== tip) continue;
        served.set(bucket, { bucket, name, kind, commit, time: (times.get(commit) ?? 0) * 1000 });
      }
    }
    return [...served.values()];
  }

  /**
   * The commit of a bucket: a branch or tag by its own name, or with `--` for each `/`; a branch of a remote; `HEAD`; a commit
   * by four or more digits of its id. undefined where there is none. Asks git only where its refs look otherwise than before.
   */
  async commitOf(bucket: string): Promise<string | undefined> {
    if (!canBeRef(bucket)) return undefined;
    if (bucket === 'HEAD') return this.#ctx.git.resolveRef(bucket);
    const names = [bucket, bucket.replaceAll('--', '/')];
    const look = this.#look(names);
    const known = this.#known.get(bucket);
    if (known?.look === look) return known.commit;
    const tip = this.#find(await this.#ctx.git.history.tips(), bucket);
    const commit = tip?.commit ?? (await this.#byId(bucket));
    if (this.#known.size > MOST_KNOWN) this.#known.clear();
    const isSeen = tip === undefined || names.includes(tip.name);
    if (commit !== undefined && isSeen && look === this.#look(names))
      this.#known.set(bucket, { look, commit });
    else this.#known.delete(bucket);
    return commit;
  }

  async #byId(bucket: string): Promise<string | undefined> {
    if (!/^[0-9a-f]{4,64}$/.test(bucket)) return undefined;
    const commit = await this.#ctx.git.resolveRef(bucket);
    return commit?.startsWith(bucket) === true ? commit : undefined;
  }

  #find(tips: readonly Tip[], bucket: string): Tip | undefined {
    for (const nameOf of [ownName, bucketName]) {
      for (const kind of ['branch', 'tag', 'remote']) {
        const found = tips.find((tip) => tip.kind === kind && nameOf(tip) === bucket);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  /** Changes with every change of a ref of one of the names: git replaces files of refs. */
  #look(names: readonly string[]): string {
    const refs = names.flatMap((name) => ['heads', 'tags', 'remotes'].map((kind) => `refs/${kind}/${name}`));
    return ['packed-refs', 'reftable/tables.list', ...refs].map((file) => this.#stampOf(file)).join(' ');
  }

  #stampOf(file: string): string {
    try {
      const { ino, mtimeMs, size } = statSync(join(this.#ctx.workspace.commonDir, file));
      return `${ino}:${mtimeMs}:${size}`;
    } catch {
      return '-';
    }
  }
}

/** Git has no refs with these in their names; most of them mean something in its expressions. */
function canBeRef(text: string): boolean {
  // eslint-disable-next-line no-control-regex
  return !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|^[-/]/.test(text);
}

function ownName({ name }: Tip): string {
  return name;
}

function bucketName({ name }: Tip): string {
  return bucketOf(name);
}

/** The bucket of a branch or tag: buckets have no slashes in their names. */
export function bucketOf(name: string): string {
  return name.replaceAll('/', '--');
}
