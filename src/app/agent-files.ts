import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { interpreterOf, librariesOf } from '../disk/elf.ts';
import { EXIT, invalid, Problem } from '../model/problem.ts';
import { compareBytes } from '../model/repo-path.ts';

/** A file of the agent: its path below the agent's folder, and where it is here. */
export interface AgentFile {
  readonly path: string;
  readonly source: string;
  readonly executable: boolean;
}

export interface AgentFilesRequest {
  /** Absolute path of the Node binary to take along. */
  readonly node: string;
  /** Absolute folder of the built agent. */
  readonly bundle: string;
  /** PATH to find an init in. */
  readonly path: string;
}

/** What the agent is made of. */
export interface AgentFiles {
  /** Sorted by path. */
  readonly files: readonly AgentFile[];
  /** Absolute path of the program that becomes the first process of main. */
  readonly init: string;
  /** Whether it reaps what commands leave behind; else that stays as zombies until the pod ends. */
  readonly reaps: boolean;
}

/** Programs that start another one, pass signals on and reap orphans. `env`, the last, only starts it. */
const INITS = ['tini', 'tini-static', 'docker-init', 'env'];

/** glibc before 2.34 looks these up by name at run time, for names of hosts. */
const LOOKED_UP = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2'];

/**
 * Node with its loader and libraries, an init and the agent's program: what runs in any image. A Problem `agent-platform`
 * (exit 2) elsewhere than on Linux with glibc, `agent-not-built` where this datawf has no agent.
 */
export function findAgentFiles({ node, bundle, path }: AgentFilesRequest): AgentFiles {
  const loader = process.platform === 'linux' ? interpreterOf(node) : undefined;
  if (loader === undefined || !basename(loader).startsWith('ld-linux')) throw otherPlatform();
  if (!existsSync(join(bundle, 'agent.js'))) throw notBuilt(bundle);
  const init = findInit(path);
  const files = new Map<string, AgentFile>();
  const add = (to: string, source: string, executable: boolean): void =>
    void files.set(to, { path: to, source, executable });
  add('node', node, true);
  add('ld.so', realpathSync(loader), true);
  add('init', init, true);
  for (const { to, source } of [...filesIn(bundle, ''), ...nativeHash(bundle)]) add(to, source, false);
  const programs = [
    node,
    init,
    ...[...files.values()].flatMap(({ source }) => (source.endsWith('.node') ? [source] : [])),
  ];
  for (const program of programs) {
    if (program === init && interpreterOf(init) === undefined) continue;
    for (const [name, library] of librariesOf(program, loader)) add(`lib/${name}`, library, true);
  }
  const libc = files.get('lib/libc.so.6')?.source;
  for (const name of libc === undefined ? [] : LOOKED_UP) {
    const library = join(dirname(libc ?? ''), name);
    if (existsSync(library)) add(`lib/${name}`, realpathSync(library), true);
  }
  return {
    files: [...files.values()].sort((a, b) => compareBytes(a.path, b.path)),
    init,
    reaps: !init.endsWith('/env'),
  };
}

function findInit(path: string): string {
  for (const name of INITS) {
    for (const folder of path.split(':')) {
      const file = join(folder, name);
      if (folder.startsWith('/') && statSync(file, { throwIfNoEntry: false })?.isFile() === true) return file;
    }
  }
  throw invalid('no-init', 'there is neither tini nor env in PATH', 'Install tini: `apt-get install tini`.');
}

function filesIn(folder: string, prefix: string): readonly { to: string; source: string }[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const source = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(source, `${prefix}${entry.name}/`);
    return [{ to: `${prefix}${entry.name}`, source }];
  });
}

const HASH = '@napi-rs/blake-hash';

/** The native BLAKE3 where it is installed, ten times as fast as the one that is in the bundle. */
function nativeHash(bundle: string): readonly { to: string; source: string }[] {
  try {
    const main = createRequire(join(bundle, 'agent.js')).resolve(HASH);
    const build = `${HASH}-linux-${process.arch}-gnu`;
    const native = createRequire(main).resolve(build);
    return [...packageFiles(HASH, dirname(main)), ...packageFiles(build, dirname(native))];
  } catch {
    return [];
  }
}

function packageFiles(name: string, folder: string): readonly { to: string; source: string }[] {
  return readdirSync(folder)
    .filter((file) => /^(package\.json|LICENSE|.*\.(js|node))$/.test(file))
    .map((file) => ({ to: `node_modules/${name}/${file}`, source: realpathSync(join(folder, file)) }));
}

function otherPlatform(): Problem {
  return invalid(
    'agent-platform',
    'the agent image is built from the Node, loader and libraries of a Linux machine with glibc, and this is none',
    'Run `datawf agent image` on such a machine of the processor that the cluster has, such as a CI job on Debian or Ubuntu.',
  );
}

function notBuilt(bundle: string): Problem {
  return new Problem({
    code: 'agent-not-built',
    message: `there is no agent in ${bundle}`,
    hint: 'Run `npm run build`, or install datawf again.',
    exit: EXIT.notFound,
  });
}
