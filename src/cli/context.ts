import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, homedir, hostname } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { branchAtHand } from '../app/branch-at-hand.ts';
import { userAtHand } from '../app/user-at-hand.ts';
import type { AppContext, Remote, Remotes } from '../app/ports.ts';
import type { RunnerStart, RunPorts } from '../app/run-ports.ts';
import { mergeConfig, parseConfigFile } from '../formats/config-file.ts';
import { environmentOf, fillSlugs, storeChain } from '../graph/environment.ts';
import type { Config, EnvironmentConfig, StoreConfig } from '../model/config.ts';
import type { Emit } from '../model/event.ts';
import type { ProcessIdentity } from '../model/run-record.ts';
import { DiskStore } from '../store/disk-store.ts';
import { LayeredStore } from '../store/layered-store.ts';
import type { OpenRequest } from '../store/open-store.ts';
import type { Shelf } from '../store/shelf.ts';
import type { SourceTree } from '../store/source-tree.ts';
import type { Store } from '../store/store.ts';
import { digestHex } from '../util/blake3.ts';
import { openGit, type Git } from '../workspace/git.ts';
import { findWorkspace, type Workspace } from '../workspace/workspace.ts';
import type { Runner } from '../run/runner.ts';
import type { Globals } from './globals.ts';
import { packagePath, packageVersion, type Host } from './host.ts';
import type { Interrupts, Wish } from './signals.ts';

/** What a context is made from. */
export interface ContextParts {
  readonly host: Host;
  readonly globals: Globals;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /** Called with each store besides the local one when it is opened. */
  readonly onStore: (store: Store) => void;
  /** Name of the environment to use whatever the branch is. */
  readonly environment?: string | undefined;
}

/** Joins what a command works with; the only place that builds adapters. Opening costs a few file look-ups, no git. */
export function openContext(given: ContextParts): AppContext {
  const { host, globals, signal, emit, onStore, environment: forced } = given;
  const workspace = findWorkspace(resolve(host.cwd, globals.dir ?? '.'));
  const layers = readConfig(workspace, host.env);
  const config = globals.jobs === undefined ? layers : { ...layers, jobs: globals.jobs };
  const git = openGit(workspace, host.env);
  const environment = once(async () => environmentOf(config, (await workspace.head()).branch, forced));
  const branch = once(() => branchAtHand({ workspace, git, config, forced }));
  const parts = { workspace, git, config, host, signal, onStore };
  const remotes = once(async () => openRemotes({ ...parts, branch, environment: await environment() }));
  const behind = async () => (await remotes()).read.map(({ store }) => store);
  return {
    workspace,
    git,
    store: new LayeredStore(storeFolder(workspace, config), behind),
    local: new DiskStore(storeFolder(workspace, config)),
    config,
    environment,
    branch,
    remotes,
    openStore: (store, branch) => openConfigured(parts, store, branch),
    openShelf: (store, branch) => openShelfOf(parts, store, branch),
    openSource: (store) => openSourceOf(parts, store),
    layered: (others) => new LayeredStore(storeFolder(workspace, config), async () => others),
    around: {
      now: host.now,
      random: Math.random,
      env: host.env,
      argv: host.argv,
      program: { node: process.execPath, script: fileURLToPath(packagePath('bin/datawf.js')) },
      host: hostname(),
      pid: host.pid,
      isRoot: host.userId === 0,
      cores: availableParallelism(),
      version: packageVersion(),
    },
    emit,
    signal,
  };
}

/** A question that is answered once, when it is first asked. */
function once<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let answer: Promise<Value> | undefined;
  return () => (answer ??= ask());
}

interface RemoteParts {
  readonly workspace: Workspace;
  readonly git: Git;
  readonly config: Config;
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly onStore: ContextParts['onStore'];
  readonly environment: EnvironmentConfig | undefined;
  readonly branch: () => Promise<string | undefined>;
}

async function openRemotes(parts: RemoteParts): Promise<Remotes> {
  const { config, environment } = parts;
  const chain = storeChain(config, environment);
  const hasBranch = chain.read.some(({ url }) => url.includes('{branch}'));
  const branch = hasBranch ? await parts.branch() : undefined;
  const read = await Promise.all(chain.read.map((store) => openConfigured(parts, store, branch)));
  return { environment, write: read.find(({ name }) => name === chain.write?.name), read };
}

type OpenParts = Omit<RemoteParts, 'environment' | 'branch'>;

/** A store of the configuration as a branch has it. */
async function openConfigured(
  parts: OpenParts,
  store: StoreConfig,
  branch: string | undefined,
): Promise<Remote> {
  const { openStore } = await import('../store/open-store.ts');
  const { request, folder } = await openRequest(parts, store, branch);
  const opened = await openStore(request);
  parts.onStore(opened);
  return { name: store.name, store: opened, kept: new DiskStore(folder) };
}

async function openShelfOf(parts: OpenParts, store: StoreConfig, branch: string | undefined): Promise<Shelf> {
  const { openShelf } = await import('../store/open-store.ts');
  return await openShelf((await openRequest(parts, store, branch)).request);
}

async function openSourceOf(parts: OpenParts, store: StoreConfig): Promise<SourceTree> {
  const { openSource } = await import('../store/open-store.ts');
  return await openSource((await openRequest(parts, store, undefined)).request);
}

/** What a store is opened with, and the folder for what is kept of it. */
async function openRequest(
  { workspace, git, config, host, signal }: OpenParts,
  store: StoreConfig,
  branch: string | undefined,
): Promise<{ readonly request: OpenRequest; readonly folder: string }> {
  const user = store.url.includes('{user}') ? await userAtHand(git, host.env) : undefined;
  const filled = fillSlugs(store.url, { branch, user });
  const url = filled.startsWith('s3://') ? filled : resolve(workspace.root, filled);
  const own = `${store.name}-${digestHex(url).slice(0, 8)}`;
  const folder = join(storeFolder(workspace, config), 'remotes', own);
  const request = {
    config: { ...store, url },
    root: workspace.root,
    env: host.env,
    now: host.now,
    random: Math.random,
    tempFolder: join(folder, 'state'),
    signal,
  };
  return { request, folder };
}

/** Objects that root could damage through a hard link are copied into sandboxes up to this many bytes. */
const ROOT_COPIES_BELOW = 64 * 1024 * 1024;

/** Who runs something, and how it can be stopped. */
export interface Caller {
  readonly userId?: number | undefined;
  readonly interrupts?: Interrupts;
  /** Answers what asks what Ctrl-C meant, where somebody can answer. */
  readonly findAsker?: () => Promise<(() => Promise<Wish>) | undefined>;
}

/** An outage of the API server may last so long in a run. */
const PATIENCE_MS = 120_000;
const WORKERS = 10;

/** What running and history need besides; each is loaded when it is asked for. */
export function openRunPorts(context: AppContext, caller: Caller = {}): RunPorts {
  const { workspace, store, around } = context;
  const { userId, interrupts } = caller;
  const cluster: RunPorts['cluster'] = async (patienceMs) => {
    const { openKube } = await import('../run/kube-client.ts');
    const { now, random, env } = around;
    return openKube({ kubeconfig: env['KUBECONFIG'], now, random, patienceMs });
  };
  const processOf = async (): Promise<ProcessIdentity> => {
    const { processIdentity } = await import('../run/process-table.ts');
    return processIdentity(around.host);
  };
  return {
    process: processOf,
    history: async (of) => {
      const [{ createHistory }, { isProcessAlive }, here] = await Promise.all([
        import('../history/store-history.ts'),
        import('../run/process-table.ts'),
        processOf(),
      ]);
      const { now, random } = around;
      const common = { now, random, isAlive: (other: ProcessIdentity) => isProcessAlive(other, here) };
      if (of !== undefined)
        return createHistory({ ...common, store: of.store, indexFile: join(of.kept.folder, 'log-index') });
      return createHistory({
        ...common,
        store,
        behind: async () => (await context.remotes()).read.map((remote) => remote.store),
        indexFile: join(workspace.commonDir, 'datawf', 'index', 'log'),
      });
    },
    cluster,
    isDetached: () => interrupts?.isDetached ?? false,
    subject: async () => {
      const api = await cluster(PATIENCE_MS);
      const { whoami } = await import('../run/kube-whoami.ts');
      return whoami(api).finally(() => api.close());
    },
    runner: async (start) => {
      const environment = await context.environment();
      if (environment?.executor === 'kubernetes')
        return await clusterRunner(context, start, { ...caller, cluster });
      const [{ createLocalRunner }, { createPlaceFinder }] = await Promise.all([
        import('../run/local-runner.ts'),
        import('../store/places.ts'),
      ]);
      return createLocalRunner({
        root: workspace.root,
        storeFolder: store.folder,
        node: around.program.node,
        path: around.env['PATH'] ?? '',
        process: await processOf(),
        now: around.now,
        places: createPlaceFinder(async () => inReadingOrder(context.local, (await context.remotes()).read)),
        copyBelow: userId === 0 ? ROOT_COPIES_BELOW : 0,
      });
    },
  };
}

/** Runs stages as Jobs of the environment's cluster. */
async function clusterRunner(
  context: AppContext,
  { run, started, jobs, detach, ensure }: RunnerStart,
  { interrupts, findAsker, cluster }: Caller & Pick<RunPorts, 'cluster'>,
): Promise<Runner> {
  const [{ createKubeRunner }, { openKubeJobs }, { clusterFacts }, { clusterStore }] = await Promise.all([
    import('../run/kube-runner.ts'),
    import('../run/kube-jobs.ts'),
    import('../app/cluster-facts.ts'),
    import('../app/cluster-run.ts'),
  ]);
  const { around, signal, emit } = context;
  const api = await cluster(PATIENCE_MS);
  const environment = await clusterFacts(context, api.namespace);
  const { store } = await clusterStore(context);
  if (ensure === undefined) throw new Error('a cluster needs its inputs ensured');
  interrupts?.allowDetach(await findAsker?.());
  let count = 0;
  return createKubeRunner({
    jobs: openKubeJobs(api, environment.namespace),
    store,
    storeLabel: digestHex(store.url).slice(0, 16),
    environment,
    run,
    started,
    workers: jobs ?? WORKERS,
    version: around.version,
    now: around.now,
    random: around.random,
    signal,
    isDetached: () => interrupts?.isDetached ?? false,
    ensure,
    tell: ({ code, message, hint }) =>
      emit({ event: 'warning', code, message, ...(hint === undefined ? {} : { hint }) }),
    nextJob: () => `j${++count}`,
    onAllStarted: () => {
      if (detach) interrupts?.detach();
    },
  });
}

/** Where a command's URLs lead: to buckets first, which give ranges to whoever has one, then to the file at hand. */
function inReadingOrder(local: Store, read: readonly Remote[]): readonly Store[] {
  const stores = read.map(({ store }) => store);
  const isBucket = (store: Store): boolean => store.presign !== undefined;
  return [...stores.filter(isBucket), local, ...stores.filter((store) => !isBucket(store))];
}

/** The three files that configuration comes from, weakest first: the project's, this person's, this checkout's. */
export function configFiles(workspace: Workspace, env: Host['env']): Readonly<Record<ConfigLevel, string>> {
  const configHome = env['XDG_CONFIG_HOME'];
  const home =
    configHome !== undefined && isAbsolute(configHome)
      ? configHome
      : join(env['HOME'] ?? homedir(), '.config');
  return {
    project: join(workspace.root, '.datawf', 'config.yaml'),
    user: join(home, 'datawf', 'config.yaml'),
    local: join(workspace.root, '.datawf', 'local.yaml'),
  };
}

export type ConfigLevel = 'project' | 'user' | 'local';

function readConfig(workspace: Workspace, env: Host['env']): Config {
  const files = Object.values(configFiles(workspace, env)).filter((file) => existsSync(file));
  return mergeConfig(files.map((file) => parseConfigFile(readFileSync(file, 'utf8'), file)));
}

/** The local store's folder: git's common folder, so that worktrees share it, unless `cache.dir` moves it. */
function storeFolder(workspace: Workspace, config: Config): string {
  const { dir } = config.cache;
  if (dir === undefined) return join(workspace.commonDir, 'datawf');
  // In a linked work tree and in a submodule .git is a file.
  return dir.startsWith('.git/') ? join(workspace.commonDir, dir.slice(5)) : resolve(workspace.root, dir);
}
