// Joins what tsc wrote into one file a program, since Node takes about 0.5 ms to load a module and datawf has hundreds.
// Packages stay outside and are loaded when they are needed (docs/decisions/016-one-file-a-program.md).
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'dist', 'bundle');
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const common = {
  absWorkingDir: root,
  bundle: true,
  packages: 'external',
  external: ['#*'],
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  logLevel: 'warning',
};

await build({
  ...common,
  entryPoints: ['dist/disk/file-worker.js', 'dist/run/command-host.js', 'dist/workspace/stat-worker.js'],
  outdir: 'dist/bundle',
  entryNames: '[name]',
  format: 'esm',
});

// bin/datawf.js runs this one as a script, so that V8 can keep the code it compiled; `__url` and `__import` are its
// arguments, the second since a script from kept code can't import by itself on Node 20.
const { outputFiles } = await build({
  ...common,
  entryPoints: ['dist/cli/main.js'],
  outfile: 'dist/bundle/main.cjs',
  write: false,
  format: 'cjs',
  minifyWhitespace: true,
  define: { 'import.meta.url': '__url' },
});
const text = outputFiles[0].text.replaceAll(/\bimport\((?=")/g, '__import(');
if (/[^\x00-\x7f]/.test(text)) throw new Error('bin/datawf.js reads the bundle as ASCII');
const content = createHash('sha256').update(text).digest('hex').slice(0, 16);
writeFileSync(join(out, 'main.cjs'), `//${content}\n${text}`);

// The agent in pods: everything in one file but BLAKE3, whose builds lie beside it (src/app/agent-image.ts, docs/decisions).
const agent = join(out, 'agent');
await build({
  ...common,
  entryPoints: ['dist/agent/main.js'],
  outfile: join(agent, 'agent.js'),
  packages: 'bundle',
  external: ['#blake3-wasm', '@napi-rs/*'],
  format: 'esm',
  minify: true,
  keepNames: true,
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
cpSync(join(root, 'dist', 'vendor', 'blake3'), join(agent, 'blake3'), { recursive: true });
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const manifest = { version, type: 'module', imports: { '#blake3-wasm': './blake3/blake3_js.cjs' } };
writeFileSync(join(agent, 'package.json'), `${JSON.stringify(manifest)}\n`);
