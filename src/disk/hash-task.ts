import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync } from 'node:fs';
import { parseDigest, type Digest } from '../model/digest.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { digestHex } from '../util/blake3.ts';
import { KIND, WAY } from './file-columns.ts';
import { errnoOf, fsProblem } from './fs-problem.ts';
import { Ingester, type FileFacts, type IngestMode } from './ingest.ts';
import type { LinkWay } from './link-way.ts';
import { readLinkText } from './link-text.ts';
import { hashOpenFile, READ_SIZE } from './read-hash.ts';
import { Abandoned, isStopped, type RunOnFile, type SharedJobs } from './shared-jobs.ts';

/** Hashing files, and with `ingest` storing them. Paths are of `HashOptions`. */
export interface HashTask {
  readonly task: 'hash';
  readonly root: string;
  readonly inside: string;
  readonly storeFolder: string | undefined;
  readonly ingest: { readonly mode: IngestMode; readonly links: readonly LinkWay[] } | undefined;
}

/** Tries before a file that keeps changing is given up. */
const TRIES = 3;
/** O_NONBLOCK: opening a pipe must not wait for its writer. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Makes ready to hash in this thread. */
export function startHashing(task: HashTask, jobs: SharedJobs): RunOnFile {
  const { columns } = jobs;
  const digests = Buffer.from(columns.digests.buffer);
  const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  const onRead = (): void => {
    if (isStopped(jobs)) throw new Abandoned();
  };
  const ingester = makeIngester(task, buffer);

  /** Undefined where the file changed under the reading. */
  function readOnce(file: string): FileFacts | undefined {
    const fd = openSync(file, OPEN_FLAGS);
    try {
      const before = fstatSync(fd);
      if (!before.isFile()) return ABSENT;
      const digest = hashOpenFile(fd, before.size, { buffer, onRead }) as Digest;
      const after = fstatSync(fd);
      if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) return undefined;
      const kind = (after.mode & 0o100) === 0 ? KIND.file : KIND.executable;
      if (ingester === undefined) return { kind, digest, size: after.size, stat: after, way: WAY.own };
      return ingester.storeFile({ file, fd, kind, digest, stat: after });
    } finally {
      closeSync(fd);
    }
  }

  function readFile(file: string): FileFacts {
    for (let tried = 0; tried < TRIES; tried++) {
      const facts = readOnce(file);
      if (facts !== undefined) return facts;
    }
    throw new Problem({
      code: 'file-busy',
      message: `${file} changes while it is read`,
      hint: 'Wait until nothing writes to it, then run it again.',
      exit: EXIT.transient,
    });
  }

  function readLink(file: string): FileFacts {
    const stat = lstatSync(file);
    const stored = storedTarget(task, file);
    if (stored !== undefined) return { kind: KIND.file, ...stored, stat, way: WAY.symlink };
    const text = readLinkText(file, task.inside);
    const digest = digestHex(text) as Digest;
    ingester?.storeBytes(digest, Buffer.from(text));
    return { kind: KIND.link, digest, size: Buffer.byteLength(text), stat, way: WAY.own };
  }

  return (path, index) => {
    const file = `${task.root}/${path}`;
    const facts = readAny(file, readFile, readLink);
    columns.kinds[index] = facts.kind;
    if (facts.stat === undefined) return 0;
    columns.sizes[index] = facts.size;
    columns.mtimes[index] = facts.stat.mtimeMs;
    columns.inos[index] = facts.stat.ino;
    columns.devs[index] = facts.stat.dev;
    columns.ctimes[index] = facts.stat.ctimeMs;
    columns.ways[index] = facts.way;
    digests.write(facts.digest, index * 32, 32, 'hex');
    return facts.size;
  };
}

const ABSENT: FileFacts = { kind: KIND.none, digest: '', size: 0, stat: undefined, way: WAY.own };

/** Errors that say that no regular file is there (any more): ENXIO is a socket's. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ENXIO', 'EISDIR']);

function readAny(
  file: string,
  read: (file: string) => FileFacts,
  otherwise?: (file: string) => FileFacts,
): FileFacts {
  try {
    return read(file);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== undefined && GONE.has(errno)) return ABSENT;
    // O_NOFOLLOW on a symlink: ELOOP, and EMLINK on FreeBSD.
    if (otherwise !== undefined && (errno === 'ELOOP' || errno === 'EMLINK')) return readAny(file, otherwise);
    throw fsProblem(error, 'read', file);
  }
}

function makeIngester(task: HashTask, buffer: Buffer): Ingester | undefined {
  if (task.ingest === undefined || task.storeFolder === undefined) return undefined;
  return new Ingester({ storeFolder: task.storeFolder, buffer, ...task.ingest });
}

/** The object that a symlink into the local store stands for. */
function storedTarget(task: HashTask, file: string): { digest: Digest; size: number } | undefined {
  if (task.storeFolder === undefined) return undefined;
  const target = readlinkSync(file);
  if (!target.startsWith(`${task.storeFolder}/objects/`)) return undefined;
  const digest = parseDigest(target.slice(target.lastIndexOf('/') + 1));
  const object = digest === undefined ? undefined : lstatSync(target, { throwIfNoEntry: false });
  return digest === undefined || object === undefined ? undefined : { digest, size: object.size };
}
