#!/usr/bin/env node
import { readFileSync, statSync } from 'node:fs';
import module from 'node:module';

const [major, minor] = process.versions.node.split('.').map(Number);
const main = entry();

if (major < 20 || (major === 20 && minor < 19)) {
  fail(`datawf needs Node 20.19 or newer, and this is Node ${process.versions.node}.`);
} else if (main === undefined) {
  fail('datawf is not built here. Run: npm run build');
} else if (process.argv.length === 3 && process.argv[2] === '--version') {
  // What the command line would print, without loading it (20 ms of 60).
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.stdout.write(`${version}\n`);
} else {
  module.enableCompileCache?.(); // Node 22.1 and newer
  const cli = await import(main.href);
  await cli.main(process);
}

/** The bundle; in a checkout where only the compiler ran since, what that wrote. */
function entry() {
  const [bundle, modules] = ['bundle/main.js', 'cli/main.js'].map(
    (name) => new URL(`../dist/${name}`, import.meta.url),
  );
  const bundled = timeOf(bundle);
  const compiled = timeOf(new URL('../dist/.tsbuildinfo', import.meta.url));
  if (compiled > bundled) return timeOf(modules) > 0 ? modules : undefined;
  return bundled > 0 ? bundle : undefined;
}

function timeOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
