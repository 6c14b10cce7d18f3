import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';

const DIGEST_BYTES = 32;

/**
 * Loads the bundle with the code that V8 compiled of it last time for the same command: 60 ms less of each run. V8 refuses
 * what another version of it or other flags made, but not what was damaged. `keepCode` keeps what was compiled now where
 * there was none (docs/decisions/016-one-file-a-program.md).
 */
export function loadBundle(bundle) {
  // ASCII without comments, by .ci/bundle.mjs; its first line names its content.
  const source = readFileSync(bundle, 'latin1');
  const build = source.slice(2, 18);
  const command = commandOf(process.argv.slice(2));
  const name = `main-${build}-${process.version}-${process.arch}-${command}.code`;
  const beside = join(dirname(bundle), 'code');
  const folders = [beside, ...userCache()];
  const cachedData = firstCode(folders, name);
  const script = new Script(`(function (exports, require, module, __url, __import) {${source}\n})`, {
    filename: bundle,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const made = { exports: {} };
  const run = script.runInThisContext();
  run(made.exports, createRequire(bundle), made, pathToFileURL(bundle).href, (name) => import(name));
  const keepCode = () => {
    const isKept = cachedData !== undefined && script.cachedDataRejected === false;
    if (isKept || (process.exitCode ?? 0) !== 0) return;
    const code = script.createCachedData();
    folders.some((folder) => tryWrite(folder, { name, code, build }));
  };
  return { cli: made.exports, keepCode };
}

/** The first word that is neither an option nor the value of one. */
function commandOf(words) {
  const at = words.findIndex(
    (word, index) => !word.startsWith('-') && !['-C', '-j'].includes(words[index - 1]),
  );
  return /^[a-z][a-z-]*$/.test(words[at] ?? '') ? words[at] : 'help';
}

function userCache() {
  const { XDG_CACHE_HOME: cache, HOME: home = homedir() } = process.env;
  return [join(cache !== undefined && isAbsolute(cache) ? cache : join(home, '.cache'), 'datawf', 'code')];
}

/** Code ends with its digest, since V8 crashes on a flipped bit. */
function firstCode(folders, name) {
  for (const folder of folders) {
    try {
      const bytes = readFileSync(join(folder, name));
      const code = bytes.subarray(0, -DIGEST_BYTES);
      if (digestOf(code).equals(bytes.subarray(-DIGEST_BYTES))) return code;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

function digestOf(code) {
  return createHash('sha256').update(code).digest();
}

/** Whether it could be written; what other builds left there goes. */
function tryWrite(folder, { name, code, build }) {
  const aside = join(folder, `${name}.${process.pid}`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(aside, Buffer.concat([code, digestOf(code)]));
    renameSync(aside, join(folder, name));
    for (const other of readdirSync(folder))
      if (other.startsWith('main-') && !other.startsWith(`main-${build}-`))
        rmSync(join(folder, other), { force: true });
    return true;
  } catch {
    return false;
  }
}
