import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { WorkEvent } from '../../src/model/event.ts';

/** What users run. */
export const BINARY = fileURLToPath(new URL('../../bin/datawf.js', import.meta.url));

/** How a process ended and what it printed. */
export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as one JSON document; tests say what they expect of it. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any, @typescript-eslint/no-unnecessary-type-parameters
  json<Document = any>(): Document;
  /** stdout as a JSON event a line. */
  events(): readonly WorkEvent[];
}

export interface RunOptions {
  /** Relative to the rig's folder. */
  readonly cwd?: string;
  /** Besides the rig's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called with what it prints on stdout as it comes. */
  readonly onOutput?: (text: string) => void;
  /** Called with the process once it runs, to signal it. */
  readonly onStart?: (child: { readonly pid: number; kill(signal: NodeJS.Signals): boolean }) => void;
}

/** A folder of its own with a git repository, where the real binary runs in an environment of its own. */
export interface Rig {
  /** Absolute path of the repository. */
  readonly root: string;
  /** Runs datawf. */
  datawf(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** Runs datawf and fails the test where it doesn't exit 0. */
  succeed(...args: readonly string[]): Promise<Result>;
  git(...args: readonly string[]): Promise<string>;
  /** Runs any program in the rig's environment. */
  run(command: readonly [string, ...string[]], options?: RunOptions): Promise<Result>;
  /** Writes a file, with its folders. */
  write(path: string, text: string, mode?: number): void;
  read(path: string): string;
  has(path: string): boolean;
  remove(path: string): void;
  /** Absolute path of a file in it. */
  path(path: string): string;
}

export interface RigOptions {
  /** `false` leaves the folder without a repository. */
  readonly git?: boolean;
  /** A repository to begin with: a folder that `keepRig` answered. */
  readonly from?: string;
  /** Besides the rig's own environment, for all that it runs. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Opens a rig for the running test; it is removed when the test ends. */
export async function openRig(options: RigOptions = {}): Promise<Rig> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'datawf-e2e-')));
  onTestFinished(() => {
    rmSync(base, { recursive: true, force: true, maxRetries: 3 });
  });
  const root = join(base, 'repo');
  const home = join(base, 'home');
  if (options.from === undefined) mkdirSync(root);
  else cpSync(options.from, root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  mkdirSync(home);
  writeFileSync(
    join(home, '.gitconfig'),
    '[user]\n\tname = Ada Test\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n\ttemplateDir =\n[maintenance]\n\tauto = false\n[gc]\n\tauto = 0\n',
  );
  const env: Readonly<Record<string, string>> = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    GIT_CONFIG_NOSYSTEM: '1',
    TMPDIR: base,
    TZ: 'UTC',
    LC_ALL: 'C.UTF-8',
    ...options.env,
  };
  const path = (name: string): string => join(root, name);
  const run: Rig['run'] = (command, more = {}) =>
    runProcess(command, {
      ...more,
      cwd: more.cwd === undefined ? root : join(root, more.cwd),
      env: { ...env, ...more.env },
    });
  const datawf: Rig['datawf'] = (args, more) => run([process.execPath, BINARY, ...args], more);
  const rig: Rig = {
    root,
    run,
    datawf,
    path,
    succeed: async (...args) => {
      const result = await datawf(args);
      if (result.code !== 0)
        throw new Error(`datawf ${args.join(' ')} exited ${result.code}:\n${result.stderr}${result.stdout}`);
      return result;
    },
    git: async (...args) => {
      const result = await run(['git', ...args]);
      if (result.code !== 0)
        throw new Error(`git ${args.join(' ')} exited ${result.code}:\n${result.stderr}`);
      return result.stdout;
    },
    write: (name, text, mode) => {
      mkdirSync(dirname(path(name)), { recursive: true });
      rmSync(path(name), { force: true });
      writeFileSync(path(name), text);
      if (mode !== undefined) chmodSync(path(name), mode);
    },
    read: (name) => readFileSync(path(name), 'utf8'),
    has: (name) => existsSync(path(name)),
    remove: (name) => {
      rmSync(path(name), { recursive: true });
    },
  };
  if (options.git !== false && options.from === undefined) await rig.git('init', '--quiet');
  return rig;
}

/** Keeps a copy of a rig's repository as it is now, for further tests of the file to begin with; `dropKept` removes it. */
export function keepRig(rig: Rig): string {
  const folder = mkdtempSync(join(tmpdir(), 'datawf-e2e-'));
  kept.push(folder);
  cpSync(rig.root, folder, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  return folder;
}

const kept: string[] = [];

/** Removes what `keepRig` kept; for `afterAll`. */
export function dropKept(): void {
  for (const folder of kept.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

function runProcess(
  [file, ...args]: readonly [string, ...string[]],
  options: RunOptions & { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Result> {
  const child = spawn(file, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    out.push(chunk);
    options.onOutput?.(chunk.toString());
  });
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('spawn', () => {
      options.onStart?.({ pid: child.pid ?? 0, kill: (signal) => child.kill(signal) });
    });
    child.on('close', (code, signal) => {
      const stdout = Buffer.concat(out).toString('utf8');
      resolve({
        code: code ?? (signal === null ? -1 : 128),
        stdout,
        stderr: Buffer.concat(err).toString('utf8'),
        // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
        json: <Document>() => JSON.parse(stdout) as Document,
        events: () =>
          stdout
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => JSON.parse(line) as WorkEvent),
      });
    });
  });
}
