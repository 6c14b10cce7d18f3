import { closeSync, fstatSync, openSync } from 'node:fs';
import { errnoOf } from '../disk/fs-problem.ts';
import { vetObject } from '../disk/object-file.ts';
import { hashOpenFile, READ_SIZE } from '../disk/read-hash.ts';
import { Problem } from '../model/problem.ts';
import type { LocalTools } from './attempt.ts';
import type { SandboxFile } from './runner.ts';
import { namesOf, type Failure } from './sandbox-fault.ts';

const PATHS_SHOWN = 20;

/**
 * The failure of a command that changed inputs. The objects behind them are checked: one that was damaged through its link
 * goes to quarantine and is made again from the working tree where that still has the right bytes.
 */
export async function inputChanged(tools: LocalTools, changed: readonly SandboxFile[]): Promise<Failure> {
  const damaged: string[] = [];
  for (const file of changed) if (!(await isObjectWhole(tools, file))) damaged.push(file.path);
  const paths = changed.map((file) => file.path);
  const message = `the command changed its input ${namesOf(paths)}`;
  const copy = 'Inputs are read-only: copy one to $TMPDIR and change the copy.';
  return {
    class: 'user',
    code: 'input-changed',
    message:
      damaged.length === 0
        ? message
        : `${message}; its copy in the store was damaged and is now in quarantine`,
    hint:
      damaged.length === 0
        ? copy
        : `${copy} Get ${namesOf(damaged)} again with \`datawf pull\`, or by the stage that makes it.`,
    paths: paths.slice(0, PATHS_SHOWN),
    retry: false,
  };
}

async function isObjectWhole(tools: LocalTools, file: SandboxFile): Promise<boolean> {
  if (file.from !== 'store') return true;
  try {
    const buffer = new Uint8Array(READ_SIZE);
    vetObject({ storeFolder: tools.storeFolder, digest: file.digest, size: file.size, buffer });
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return repair(tools, file);
  }
}

async function repair(tools: LocalTools, file: SandboxFile): Promise<boolean> {
  const source = `${tools.root}/${file.path}`;
  if (digestOf(source) !== file.digest) return false;
  const output = { path: file.path, file: source, executable: false, size: file.size, movable: false };
  const [entry] = await tools.intake.take([output], 'copy');
  return entry?.digest === file.digest;
}

function digestOf(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
  try {
    return hashOpenFile(fd, fstatSync(fd).size, { buffer: new Uint8Array(READ_SIZE) });
  } finally {
    closeSync(fd);
  }
}
