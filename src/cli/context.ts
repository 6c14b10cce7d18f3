import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, homedir, hostname } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AppContext } from '../app/ports.ts';
import type { RunPorts } from '../app/run-ports.ts';
import { mergeConfig, parseConfigFile } from '../formats/config-file.ts';
import type { Config } from '../model/config.ts';
import type { Emit } from '../model/event.ts';
import type { ProcessIdentity } from '../model/run-record.ts';
import { DiskStore } from '../store/disk-store.ts';
import { openGit } from '../workspace/git.ts';
import { findWorkspace, type Workspace } from '../workspace/workspace.ts';
import type { Globals } from './globals.ts';
import { packagePath, packageVersion, type Host } from './host.ts';

/** What a context is made from. */
export interface ContextParts {
  readonly host: Host;
  readonly globals: Globals;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

/** Joins what a command works with; the only place that builds adapters. Opening costs a few file look-ups, no git. */
export function openContext({ host, globals, signal, emit }: ContextParts): AppContext {
  const workspace = findWorkspace(resolve(host.cwd, globals.dir ?? '.'));
  const layers = readConfig(workspace, host.env);
  const config = globals.jobs === undefined ? layers : { ...layers, jobs: globals.jobs };
  return {
    workspace,
    git: openGit(workspace, host.env),
    store: new DiskStore(storeFolder(workspace, config)),
    config,
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

/** Objects that root could damage through a hard link are copied into sandboxes up to this many bytes. */
const ROOT_COPIES_BELOW = 64 * 1024 * 1024;

/** What running and history need besides; each is loaded when it is asked for. */
export function openRunPorts(context: AppContext, userId: number | undefined): RunPorts {
  const { workspace, store, around } = context;
  const processOf = async (): Promise<ProcessIdentity> => {
    const { processIdentity } = await import('../run/process-table.ts');
    return processIdentity(around.host);
  };
  return {
    process: processOf,
    history: async () => {
      const [{ createHistory }, { isProcessAlive }, here] = await Promise.all([
        import('../history/store-history.ts'),
        import('../run/process-table.ts'),
        processOf(),
      ]);
      const { now, random } = around;
      return createHistory({ store, now, random, isAlive: (other) => isProcessAlive(other, here) });
    },
    runner: async () => {
      const { createLocalRunner } = await import('../run/local-runner.ts');
      return createLocalRunner({
        root: workspace.root,
        storeFolder: store.folder,
        path: around.env['PATH'] ?? '',
        process: await processOf(),
        now: around.now,
        copyBelow: userId === 0 ? ROOT_COPIES_BELOW : 0,
      });
    },
  };
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
  return config.cache.dir === undefined
    ? join(workspace.commonDir, 'datawf')
    : resolve(workspace.root, config.cache.dir);
}
