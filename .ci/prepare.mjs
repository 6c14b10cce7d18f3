// Makes a checkout ready to run: installs what the lockfile names and isn't here, then builds.
// `npm test` and `npm run demo` start with it, so that both work straight in a fresh clone.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

if (!isInstalled()) {
  npm('ci', '--include=dev', '--no-audit', '--no-fund');
}
npm('run', '--silent', 'build');

/** Compares versions rather than times: a checkout touches the lockfile without changing it. */
function isInstalled() {
  const wanted = packagesOf('package-lock.json');
  const present = packagesOf(join('node_modules', '.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || (entry.optional === true && present[path] === undefined)) return true;
    return present[path]?.version === entry.version;
  });
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Runs npm in the checkout, by the same npm that runs this script where there is one; ends on failure. */
function npm(...args) {
  const cli = process.env.npm_execpath;
  const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] };
  const done =
    cli === undefined
      ? spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
      : spawnSync(process.execPath, [cli, ...args], options);
  if (done.status !== 0) process.exit(done.status ?? 1);
}
