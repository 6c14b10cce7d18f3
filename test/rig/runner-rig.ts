import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { ingestFiles } from '../../src/disk/hash-pool.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { RepoPath } from '../../src/model/repo-path.ts';
import type { Stage, StageId } from '../../src/model/stage.ts';
import type {
  AttemptOutcome,
  DatumWork,
  LogLine,
  Runner,
  SandboxDep,
  SandboxFile,
  SandboxOut,
  StageWork,
} from '../../src/run/runner.ts';
import { DiskStore } from '../../src/store/disk-store.ts';
import { digestHex } from '../../src/util/blake3.ts';

/** A repository and a local store in a folder of their own. */
export interface RunnerRig {
  readonly root: string;
  readonly store: DiskStore;
  /** Writes a file into the working tree; answers it as one that sandboxes copy from there. */
  plain(path: string, text: string, executable?: boolean): SandboxFile;
  /** Puts a file into the store (and, as `add` does, into the working tree as a link). */
  stored(path: string, text: string): Promise<SandboxFile>;
  readObject(digest: string): Promise<string>;
  remove(): void;
}

export function makeRunnerRig(): RunnerRig {
  const folder = realpathSync(mkdtempSync(`${tmpdir()}/datawf-run-`));
  const root = `${folder}/repo`;
  mkdirSync(root);
  const store = new DiskStore(`${folder}/store`);
  store.prepare();
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(`${root}/${path}`), { recursive: true });
    writeFileSync(`${root}/${path}`, text);
  };
  return {
    root,
    store,
    plain: (path, text, executable = false) => {
      put(path, text);
      if (executable) chmodSync(`${root}/${path}`, 0o755);
      return fileOf(path, text, { kind: executable ? 'x' : 'f', from: 'workspace' });
    },
    stored: async (path, text) => {
      put(path, text);
      await ingestFiles({
        root,
        paths: [path],
        storeFolder: store.folder,
        mode: 'link',
        links: ['hardlink'],
      });
      return fileOf(path, text, { kind: 'f', from: 'store' });
    },
    readObject: async (digest) => Buffer.from(await store.readObject(digest as Digest)).toString(),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function fileOf(path: string, text: string, as: Pick<SandboxFile, 'kind' | 'from'>): SandboxFile {
  return { path, digest: digestHex(text) as Digest, size: Buffer.byteLength(text), ...as };
}

/** A stage with nothing declared but what is given. */
function stageOf(fields: Partial<Stage> & Pick<Stage, 'cmd'>): Stage {
  return {
    id: 'stage' as StageId,
    name: 'stage',
    base: '',
    file: 'datawf.yaml' as RepoPath,
    line: 1,
    desc: undefined,
    code: [],
    deps: [],
    outs: [],
    params: [],
    env: new Map(),
    secrets: [],
    image: undefined,
    matrix: new Map(),
    onCodeChange: 'rerun',
    always: false,
    sandbox: 'full',
    frozen: false,
    retries: 0,
    timeoutSeconds: undefined,
    resources: { cpu: undefined, memory: [], disk: undefined, gpu: undefined, limit: new Map() },
    scheduleTimeoutSeconds: undefined,
    podPatch: undefined,
    ...fields,
  };
}

/** A dep of one file at the datum's grain. */
export function dep(name: string, file: SandboxFile): SandboxDep {
  return { name, value: file.path, files: [file] };
}

export function out(name: string, path: string, more: Partial<SandboxOut> = {}): SandboxOut {
  return { name, path: path as RepoPath, directory: false, optional: false, ...more };
}

/** What one datum of a test says beyond its command. */
export interface TrialOptions {
  readonly stage?: Partial<Stage>;
  readonly code?: readonly SandboxFile[];
  readonly broadcast?: readonly SandboxDep[];
  readonly env?: Record<string, string>;
  readonly secrets?: Record<string, string>;
  readonly captures?: Record<string, string>;
  readonly deps?: readonly SandboxDep[];
  readonly outs?: readonly SandboxOut[];
  readonly signal?: AbortSignal;
}

export type Trial = AttemptOutcome & { readonly lines: readonly LogLine[] };

/** Runs one datum of a stage of its own. */
export async function tryCommand(
  runner: Runner,
  cmd: string | readonly string[],
  options: TrialOptions = {},
): Promise<Trial> {
  const session = await runner.openStage(stageWork(cmd, options));
  const lines: LogLine[] = [];
  try {
    const outcome = await session.run(
      datumWork(options),
      (line) => lines.push(line),
      options.signal ?? new AbortController().signal,
    );
    return { ...outcome, lines };
  } finally {
    await session.close();
  }
}

export function stageWork(cmd: string | readonly string[], options: TrialOptions = {}): StageWork {
  return {
    stage: stageOf({ cmd, ...options.stage }),
    code: options.code ?? [],
    broadcast: options.broadcast ?? [],
    env: options.env ?? {},
    secrets: options.secrets ?? {},
  };
}

export function datumWork(options: TrialOptions = {}): DatumWork {
  return {
    id: '-',
    captures: new Map(Object.entries(options.captures ?? {})),
    deps: options.deps ?? [],
    outs: options.outs ?? [],
  };
}

/** What a command printed on stdout. */
export function printed(trial: Trial): string {
  return trial.lines.flatMap((line) => (line.stream === 'out' ? [line.text] : [])).join('\n');
}
