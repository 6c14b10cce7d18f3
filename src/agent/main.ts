import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LINK_SOCKET, POD_FOLDERS, readAgentEnv, type AgentStore } from '../run/agent-env.ts';
import { DiskStore } from '../store/disk-store.ts';
import { openStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import { inject } from './inject.ts';
import { LoopLink } from './loop-link.ts';
import { runLoop } from './loop.ts';
import { PATIENCE } from './patience.ts';
import { runStager } from './stager.ts';

// The program in a worker's pod (docs/kubernetes.md): `agent.js inject | stager | loop`. A folder behind that stands for /dwf
// where there is no pod, in tests.
const [what = '', folder = POD_FOLDERS.top] = process.argv.slice(2);
const isInPod = process.argv.length === 3;
const LAST_WORDS = '/dev/termination-log';
/** How long the stager may take to listen. */
const PATIENCE_MS = 60_000;
/** A stager that ends before main is started again by the kubelet. */
const LINGER_MS = 600_000;

process.exitCode = await run();
process.exit();

async function run(): Promise<number> {
  switch (what) {
    case 'inject':
      inject();
      return 0;
    case 'stager':
      return await stager();
    case 'loop':
      return await runLoop({
        socket: inFolder(LINK_SOCKET),
        version: version(),
        env: process.env,
        lastWords: isInPod && existsSync(LAST_WORDS) ? LAST_WORDS : undefined,
        alone: isInPod && isAlone(),
        terminating: onTerm(),
        patienceMs: PATIENCE_MS,
      });
    default:
      process.stderr.write('usage: agent.js inject | stager | loop\n');
      return 2;
  }
}

async function stager(): Promise<number> {
  // Files are the group's as well, which main is in.
  process.umask(0o007);
  const terminated = onTerm();
  const env = readAgentEnv(process.env);
  const link = await LoopLink.listen(inFolder(LINK_SOCKET));
  const local = new DiskStore(inFolder(POD_FOLDERS.store));
  local.prepare();
  const [first, ...rest] = env.stores;
  const leave = await runStager({
    env,
    version: version(),
    link,
    stores: [
      await open(first, 0),
      ...(await Promise.all(rest.map((store, index) => open(store, index + 1)))),
    ],
    local,
    sandboxes: inFolder(POD_FOLDERS.sandboxes),
    patience: PATIENCE,
    now: Date.now,
    terminated,
  });
  link.close();
  if (leave.stop !== undefined) process.stderr.write(`${leave.stop.code}: ${leave.stop.message}\n`);
  if (!terminated.aborted) await sleep(LINGER_MS, undefined, { signal: terminated }).catch(() => undefined);
  return 0;
}

/** A store of the configuration; certificates come as text. */
async function open({ ca, ...store }: AgentStore, number: number): Promise<Store> {
  const tempFolder = `${inFolder(POD_FOLDERS.store)}/remote/${number}`;
  mkdirSync(tempFolder, { recursive: true });
  const file = `${tempFolder}/ca.pem`;
  if (ca !== undefined) writeFileSync(file, ca);
  return await openStore({
    config: { name: String(number), ...store, ca: ca === undefined ? undefined : file },
    root: '/',
    env: process.env,
    now: Date.now,
    random: Math.random,
    tempFolder,
    signal: new AbortController().signal,
  });
}

function inFolder(path: string): string {
  return `${folder}${path.slice(POD_FOLDERS.top.length)}`;
}

function onTerm(): AbortSignal {
  const term = new AbortController();
  process.on('SIGTERM', () => term.abort());
  return term.signal;
}

/** Whether this container's first process is ours, so that all others are the commands'. */
function isAlone(): boolean {
  return process.pid === 1 || readFileSync('/proc/1/cmdline', 'utf8').includes(`${POD_FOLDERS.agent}/init`);
}

/** Beside the bundle, in its package.json. */
function version(): string {
  const text = readFileSync(new URL('./package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
