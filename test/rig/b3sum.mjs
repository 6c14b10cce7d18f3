// Stands in for b3sum where none is installed: the digest of standard input.
import { readFileSync } from 'node:fs';
import { digestHex } from '../../dist/util/blake3.js';

process.stdout.write(`${digestHex(readFileSync(0))}\n`);
