import { isUtf8 } from 'node:buffer';
import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import type { Dirent, Stats } from 'node:fs';
import { compareBytes, dataFault, isSystemFile, isWithin } from '../model/repo-path.ts';
import type { SandboxOut } from './runner.ts';
import { namesOf, type Failure } from './sandbox-fault.ts';

/** A file that a command left in one of its outs. */
export interface FoundOutput {
  /** Repository path. */
  readonly path: string;
  /** Absolute path of the bytes: of what a symlink points to. */
  readonly file: string;
  readonly executable: boolean;
  readonly size: number;
  /** Whether it may be moved away: it lies in the out itself and has no other name. */
  readonly movable: boolean;
}

export type Outputs =
  | { readonly ok: true; readonly files: readonly FoundOutput[] }
  | { readonly ok: false; readonly failure: Failure };

const PATHS_SHOWN = 20;

/**
 * The files of a datum's outs below an absolute folder, sorted by path; or what is wrong with them: an out that is missing or
 * of the wrong kind, a link that leads outside, a socket, a name that can't be a path. Files of operating systems and empty
 * folders aren't data.
 */
export function collectOutputs(folder: string, outs: readonly SandboxOut[]): Outputs {
  const collector = createCollector(folder);
  const missing: SandboxOut[] = [];
  for (const out of outs) {
    const stat = lstatSync(`${folder}/${out.path}`, { throwIfNoEntry: false });
    if (stat !== undefined) collector.out(out, stat);
    else if (!out.optional) missing.push(out);
  }
  if (missing.length > 0) return { ok: false, failure: outMissing(missing) };
  const [fault] = collector.faults;
  if (fault !== undefined)
    return { ok: false, failure: { ...fault, paths: pathsOf(collector.faults, fault.code) } };
  return { ok: true, files: collector.files.sort((a, b) => compareBytes(a.path, b.path)) };
}

interface Collector {
  readonly files: FoundOutput[];
  readonly faults: Failure[];
  out(out: SandboxOut, stat: Stats): void;
}

function createCollector(root: string): Collector {
  const files: FoundOutput[] = [];
  const faults: Failure[] = [];
  let realRoot: string | undefined;

  const addFile = (path: string, file: string, at: { stat: Stats; own: boolean }): void => {
    const { size, mode, nlink } = at.stat;
    files.push({ path, file, executable: (mode & 0o111) !== 0, size, movable: at.own && nlink === 1 });
  };

  /** Where a symlink leads, or undefined with a fault noted. */
  const follow = (path: string, file: string): string | undefined => {
    realRoot ??= realpathSync(root);
    let real: string | undefined;
    try {
      real = realpathSync(file);
    } catch {
      // It dangles or leads in a circle.
    }
    if (real !== undefined && isWithin(real, realRoot)) return real;
    faults.push(outsideLink(path, readlinkSync(file), real === undefined));
    return undefined;
  };

  const visitFolder = (path: string, folder: string, seen: readonly string[]): void => {
    const entries = readdirSync(folder, { withFileTypes: true });
    if (entries.some((entry) => entry.name.includes('\ufffd')) && noteBadBytes(path, folder, faults)) return;
    for (const entry of entries) {
      const below = `${path}/${entry.name}`;
      if (isSystemFile(below)) continue;
      visitEntry(below, `${folder}/${entry.name}`, { entry, seen });
    }
  };

  const visitEntry = (path: string, file: string, at: { entry: Dirent; seen: readonly string[] }): void => {
    if (at.entry.isDirectory()) {
      visitFolder(path, file, at.seen);
      return;
    }
    const fault = dataFault(path);
    if (fault !== undefined) faults.push(badName(path, fault));
    else if (at.entry.isFile()) addFile(path, file, { stat: lstatSync(file), own: at.seen.length === 0 });
    else if (at.entry.isSymbolicLink()) visitLink(path, file, at.seen);
    else faults.push(notAFile(path, kindWord(lstatSync(file))));
  };

  const visitLink = (path: string, file: string, seen: readonly string[]): void => {
    const real = follow(path, file);
    if (real === undefined) return;
    const stat = statSync(real);
    if (stat.isFile()) addFile(path, real, { stat, own: false });
    else if (!stat.isDirectory()) faults.push(notAFile(path, kindWord(stat)));
    else if (
      seen.some((folder) => isWithin(real, folder) || isWithin(folder, real)) ||
      isWithin(file, real)
    ) {
      faults.push(outsideLink(path, readlinkSync(file), true));
    } else visitFolder(path, real, [...seen, real]);
  };

  return {
    files,
    faults,
    out: (out, lstat) => {
      const file = `${root}/${out.path}`;
      const real = lstat.isSymbolicLink() ? follow(out.path, file) : file;
      if (real === undefined) return;
      const stat = real === file ? lstat : statSync(real);
      if (out.directory && stat.isDirectory()) visitFolder(out.path, real, real === file ? [] : [real]);
      else if (!out.directory && stat.isFile()) addFile(out.path, real, { stat, own: real === file });
      else faults.push(wrongKind(out, stat));
    },
  };
}

/** Node shows bytes that aren't UTF-8 as U+FFFD, which may also really be there. */
function noteBadBytes(path: string, folder: string, faults: Failure[]): boolean {
  const bad = readdirSync(folder, 'buffer').filter((name) => !isUtf8(name));
  for (const name of bad) faults.push(badName(`${path}/${name.toString('latin1')}`, 'is not valid UTF-8'));
  return bad.length > 0;
}

function outMissing(missing: readonly SandboxOut[]): Failure {
  const paths = missing.map((out) => out.path);
  return {
    class: 'user',
    code: 'out-missing',
    message: `the command ended well but did not write ${missing.map((out) => `${out.path} (out "${out.name}")`).join(', ')}`,
    hint: `Write to "$${missing[0]?.name ?? ''}", or declare the out with \`optional: true\`.`,
    paths,
    retry: true,
  };
}

function wrongKind(out: SandboxOut, stat: Stats): Failure {
  const declared = out.directory ? 'a directory (it ends in /)' : 'a file';
  const cure = out.directory ? 'Leave out the / at its end' : 'End it with /';
  return {
    class: 'user',
    code: 'out-kind',
    message: `the out "${out.name}" is declared as ${declared}, but the command made ${out.path} ${kindWord(stat)}`,
    hint:
      stat.isFile() || stat.isDirectory()
        ? `${cure}, or change the command.`
        : 'Write a file or a directory.',
    paths: [out.path],
    retry: false,
  };
}

function notAFile(path: string, kind: string): Failure {
  return {
    class: 'user',
    code: 'out-kind',
    message: `${path} in an out is ${kind}; only files can be kept`,
    hint: 'Make it in $TMPDIR, which is dropped.',
    paths: [path],
    retry: false,
  };
}

function outsideLink(path: string, target: string, dangling: boolean): Failure {
  return {
    class: 'user',
    code: 'out-link',
    message: `${path} is a symlink ${dangling ? 'that leads to no file' : 'out of the sandbox'} (to ${target})`,
    hint: 'Copy the file into the out: a link counts as the file it points to, and only inside the sandbox.',
    paths: [path],
    retry: false,
  };
}

function badName(path: string, fault: string): Failure {
  return {
    class: 'user',
    code: 'bad-name',
    message: `the command wrote a file whose name can't be kept: ${JSON.stringify(path)} ${fault}`,
    hint: 'Use names in UTF-8, without newline and backslash, and other than .git.',
    paths: [JSON.stringify(path)],
    retry: false,
  };
}

function kindWord(stat: Stats): string {
  if (stat.isDirectory()) return 'a directory';
  if (stat.isFile()) return 'a file';
  if (stat.isFIFO()) return 'a named pipe';
  if (stat.isSocket()) return 'a socket';
  return 'a device';
}

function pathsOf(faults: readonly Failure[], code: string): readonly string[] {
  return faults.flatMap((fault) => (fault.code === code ? (fault.paths ?? []) : [])).slice(0, PATHS_SHOWN);
}

/** The failure of files that nobody declared. */
export function undeclaredWrite(strays: readonly string[]): Failure {
  return {
    class: 'user',
    code: 'undeclared-write',
    message: `the command wrote ${namesOf(strays)} outside its outs`,
    hint: 'Declare an out for it, or write it to $TMPDIR, which is dropped.',
    paths: strays.slice(0, PATHS_SHOWN),
    retry: false,
  };
}
