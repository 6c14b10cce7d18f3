// Joins what tsc wrote into one file a program, since Node takes about 0.5 ms to load a module and datawf has hundreds.
// Packages stay outside and are loaded when they are needed (docs/decisions/016-one-file-a-program.md).
import { build } from 'esbuild';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

await build({
  absWorkingDir: dirname(dirname(fileURLToPath(import.meta.url))),
  entryPoints: [
    'dist/cli/main.js',
    'dist/disk/file-worker.js',
    'dist/run/command-host.js',
    'dist/workspace/stat-worker.js',
  ],
  outdir: 'dist/bundle',
  entryNames: '[name]',
  bundle: true,
  packages: 'external',
  external: ['#*'],
  format: 'esm',
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  logLevel: 'warning',
});
