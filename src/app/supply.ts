import { formatListing } from '../formats/tree-text.ts';
import type { Digest } from '../model/digest.ts';
import type { EnvironmentConfig } from '../model/config.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { Problem } from '../model/problem.ts';
import type { ResultRecord } from '../model/result.ts';
import { locateObjects } from '../store/copy-verified.ts';
import { mirrorResults } from '../store/mirror.ts';
import { openResults, type Results } from '../store/results.ts';
import { fetchObjects } from '../store/transfer.ts';
import { digestHex } from '../util/blake3.ts';
import { liesInOuts, type DatumPlan } from './datum-plan.ts';
import type { AppContext, Remote } from './ports.ts';
import type { Dataset } from './project.ts';
import { hasVersion } from './records.ts';
import { localResultFilter } from './result-scope.ts';
import type { StageState } from './stage-state.ts';
import { warnUnreachable } from './store-scopes.ts';
import { openTraffic } from './traffic.ts';

export interface SupplyOptions {
  /** `here` brings files here; `away` leaves them where they are, and looks whether they are there; `none`: a plan only counts on them. */
  readonly fetches: 'here' | 'away' | 'none';
  /** What is recorded counts as it is, though its bytes be nowhere; what would have to read it waits. */
  readonly allowMissing: boolean;
}

/** A result that a datum can have without running. */
export interface Found extends Pick<ResultRecord, 'result' | 'outs'> {
  /** All its files are in the local store. */
  readonly here: boolean;
}

/**
 * What a plan can have without running anything: the results and files of this workspace, and behind them those of the stores
 * that the branch reads. Those are asked only for what isn't here: once for the results of a code half.
 */
export class Supply {
  readonly options: SupplyOptions;
  /** Objects that were looked for and are nowhere. */
  readonly lost = new Set<Digest>();
  readonly #ctx: AppContext;
  readonly #remote = new Map<Digest, Promise<readonly Results[]>>();
  readonly #canCome = new Map<string, Promise<boolean>>();
  #environment: Promise<EnvironmentConfig | undefined> | undefined;
  #isOwn: ReturnType<typeof localResultFilter> | undefined;

  constructor(ctx: AppContext, options: SupplyOptions) {
    this.#ctx = ctx;
    this.options = options;
  }

  isHere(entry: FileEntry): boolean {
    return this.#ctx.store.hasObjectSync(entry.digest);
  }

  /** Whether a file of a current datum is gone: not here, and in no store from where it could come. */
  async isLost(datum: DatumPlan<StageState>): Promise<boolean> {
    const { checkObjects, datasets } = datum.stage.options;
    if (!checkObjects || this.options.allowMissing) return false;
    const away = ((await datum.stage.files()).get(datum.id) ?? []).filter((entry) => !this.isHere(entry));
    if (away.length === 0) return false;
    if (away.some(({ digest }) => this.lost.has(digest))) return true;
    for (const dataset of datasets) if (!(await this.canCome(dataset))) return true;
    return false;
  }

  /** Whether a store that the branch reads has a dataset's recorded version: a root says that all of it is there. */
  canCome(dataset: Dataset): Promise<boolean> {
    let answer = this.#canCome.get(dataset.owner);
    if (answer === undefined) this.#canCome.set(dataset.owner, (answer = this.#askFor(dataset)));
    return answer;
  }

  async #askFor(dataset: Dataset): Promise<boolean> {
    if (dataset.recorded === undefined) return true;
    for (const { store } of (await this.#ctx.remotes()).read)
      if (await hasVersion(store, dataset)) return true;
    return false;
  }

  /**
   * The result that counts for a datum's key: of this workspace (where the environment lets it count), else of the first store that has one. Its files may have to
   * be fetched; where they are known to be nowhere there is none.
   */
  async find(datum: DatumPlan<StageState>, input: Digest): Promise<Found | undefined> {
    const state = datum.stage;
    const isAsked = state.options.runCache && state.node.stage.sandbox !== 'none';
    if (!isAsked || datum.reason === 'forced' || datum.reason === 'always') return undefined;
    const pinned = datum.row?.input === input ? datum.row.result : undefined;
    this.#isOwn ??= localResultFilter(this.#ctx);
    const isOwn = await this.#isOwn;
    const named = datum.row?.code === state.code ? pinned : undefined;
    const counts = isOwn === undefined ? undefined : (record: ResultRecord) => isOwn(record, named);
    const own = (await state.results(openResults)).find(input, pinned, counts);
    if (
      own !== undefined &&
      (await this.#counts(own, datum)) &&
      own.outs.every((entry) => this.isHere(entry))
    )
      return { ...own, here: true };
    for (const results of await this.#remoteResults(state.code)) {
      const found = results.find(input, pinned);
      if (found !== undefined && (await this.#counts(found, datum)) && !this.#isLostResult(found))
        return { ...found, here: false };
    }
    return undefined;
  }

  /** Whether a result is the datum's, by its digest and its files, and made as the environment wants it. */
  async #counts({ made, result, outs }: ResultRecord, datum: DatumPlan<StageState>): Promise<boolean> {
    if (digestHex(formatListing(outs)) !== result) return false;
    if (!liesInOuts(datum.stage.node.stage, datum.spec, outs)) return false;
    this.#environment ??= this.#ctx.environment();
    return made.sandbox && ((await this.#environment)?.trust !== 'image' || made.image !== undefined);
  }

  #isLostResult({ outs }: ResultRecord): boolean {
    return outs.some(({ digest }) => this.lost.has(digest));
  }

  #remoteResults(code: Digest): Promise<readonly Results[]> {
    let all = this.#remote.get(code);
    if (all === undefined) this.#remote.set(code, (all = this.#openRemote(code)));
    return all;
  }

  async #openRemote(code: Digest): Promise<readonly Results[]> {
    const { read } = await this.#ctx.remotes();
    return await Promise.all(read.map((remote) => this.#openResults(remote, code)));
  }

  /** A store that can't be asked costs work, not the run: what was read of it before counts. */
  async #openResults({ name, store, kept }: Remote, code: Digest): Promise<Results> {
    try {
      return await openResults(mirrorResults(store, kept), code);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      warnUnreachable(this.#ctx, name, error);
      return await openResults(kept, code);
    }
  }

  /** Looks for files in the stores behind; those that none has are `lost` afterwards. */
  async lookFor(entries: readonly FileEntry[]): Promise<void> {
    const digests = new Set(entries.map(({ digest }) => digest));
    if (digests.size === 0) return;
    const stores = (await this.#ctx.remotes()).read.map(({ store }) => store);
    const { nowhere } = await locateObjects(stores, digests, this.#ctx.signal);
    for (const digest of nowhere) this.lost.add(digest);
  }

  /** Brings files here that aren't; those that no store has are `lost` afterwards. */
  async fetch(entries: Iterable<FileEntry>): Promise<void> {
    const away = [...entries].filter((entry) => !this.lost.has(entry.digest) && !this.isHere(entry));
    const { fetches } = this.options;
    if (away.length === 0 || fetches === 'none') return;
    if (fetches === 'away') {
      await this.lookFor(away);
      return;
    }
    const from = (await this.#ctx.remotes()).read.map(({ store }) => store);
    const objects = new Map(away.map(({ digest, size }) => [digest, size]));
    const traffic = openTraffic(this.#ctx, 'fetching');
    traffic.expect(objects.values());
    const gone = await fetchObjects(this.#ctx.store, { from, objects, moving: traffic.moving });
    for (const digest of gone.objects) this.lost.add(digest);
  }
}
