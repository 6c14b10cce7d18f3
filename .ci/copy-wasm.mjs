// Copies BLAKE3's WebAssembly out of the `blake3` package into dist/, with its licence, so that the package
// datawf ships doesn't depend on one whose install script downloads a binary (docs/decisions/002-blake3.md).
import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const from = dirname(createRequire(import.meta.url).resolve('blake3/package.json'));
const to = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist', 'vendor', 'blake3');

mkdirSync(to, { recursive: true });
copyFileSync(join(from, 'dist', 'wasm', 'nodejs', 'blake3_js.js'), join(to, 'blake3_js.cjs'));
copyFileSync(join(from, 'dist', 'wasm', 'nodejs', 'blake3_js_bg.wasm'), join(to, 'blake3_js_bg.wasm'));
copyFileSync(join(from, 'LICENSE'), join(to, 'LICENSE'));
