#!/usr/bin/env node
import { existsSync } from 'node:fs';
import module from 'node:module';

const [major, minor] = process.versions.node.split('.').map(Number);
const main = new URL('../dist/cli/main.js', import.meta.url);

if (major < 20 || (major === 20 && minor < 19)) {
  fail(`datawf needs Node 20.19 or newer, and this is Node ${process.versions.node}.`);
} else if (!existsSync(main)) {
  fail('datawf is not built here. Run: npm run build');
} else {
  module.enableCompileCache?.(); // Node 22.1 and newer
  const cli = await import(main.href);
  await cli.main(process);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
