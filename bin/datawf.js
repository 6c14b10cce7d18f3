#!/usr/bin/env node
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
const bundle = fileURLToPath(new URL('../dist/bundle/main.cjs', import.meta.url));
const modules = new URL('../dist/cli/main.js', import.meta.url);

if (major < 20 || (major === 20 && minor < 19)) {
  fail(`datawf needs Node 20.19 or newer, and this is Node ${process.versions.node}.`);
} else if (!isBuilt()) {
  fail('datawf is not built here. Run: npm run build');
} else if (process.argv.length === 3 && process.argv[2] === '--version') {
  // What the command line would print, without loading it (20 ms of 60).
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.stdout.write(`${version}\n`);
} else if (isCompiledSince()) {
  const cli = await import(modules.href);
  await cli.main(process);
} else {
  const { loadBundle } = await import('./load-bundle.js');
  const { cli, keepCode } = loadBundle(bundle);
  await cli.main(process);
  keepCode();
}

function isBuilt() {
  return timeOf(bundle) > 0 || timeOf(modules) > 0;
}

/** In a checkout where only the compiler ran since the bundle was made, what it wrote counts. */
function isCompiledSince() {
  return timeOf(new URL('../dist/.tsbuildinfo', import.meta.url)) > timeOf(bundle) && timeOf(modules) > 0;
}

function timeOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
