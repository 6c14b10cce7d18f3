#!/usr/bin/env node
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dataBars } from './bars-data.mjs';
import { s3Bars } from './bars-s3.mjs';
import { missing } from './measure.mjs';
import { runBars } from './bars-run.mjs';

const USAGE = `node test/bench/run.mjs [options]     measures the bars of docs/performance.md; needs a build

  --only 1,4,11   these bars
  --rounds N      alternating rounds of each (5)
  --million       also the bars over 1,000,000 files (some 10 GB, some minutes)
  --scale X       so many times the files, to try the bench itself (1)
  --dir DIR       where the data go (the system's temporary folder)
  --json FILE     the figures as JSON
  --keep          leave the data
`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    million: { type: 'boolean', default: false },
    scale: { type: 'string', default: '1' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) process.stdout.write(USAGE);
else if (!existsSync(new URL('../../dist/cli/main.js', import.meta.url))) {
  process.stderr.write('There is no build. Run: npm run build\n');
  process.exitCode = 1;
} else await main();

async function main() {
  const only = options.only?.split(',').map(Number);
  const chosen = [...dataBars, ...s3Bars, ...runBars]
    .filter((bar) => (only === undefined ? options.million || !bar.million : only.includes(bar.number)))
    .filter((bar) => options.million || !bar.million || only?.includes(bar.number))
    .sort((a, b) => a.number - b.number);
  const top = mkdtempSync(join(options.dir, 'datawf-bench-'));
  const context = contextIn(top);
  const results = [];
  for (const bar of chosen) {
    process.stderr.write(`bar ${nameOf(bar)}: ${bar.title} …\n`);
    results.push(await measureBar(bar, context));
  }
  process.stdout.write(tableOf(results));
  const figures = {
    node: process.version,
    cores: availableParallelism(),
    rounds: context.rounds,
    scale: context.scale,
    bars: results,
  };
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  else process.stdout.write(`${JSON.stringify(figures)}\n`);
  if (!options.keep) rmSync(top, { recursive: true, force: true, maxRetries: 5 });
}

/** What a bar is measured in: fresh folders, and things several bars share, made once. */
function contextIn(top) {
  const made = new Map();
  const folder = (name) => {
    const path = join(top, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  return {
    rounds: Number(options.rounds),
    scale: Number(options.scale),
    folder,
    once: (name, make) => {
      if (!made.has(name)) made.set(name, make(folder(name)));
      return made.get(name);
    },
  };
}

async function measureBar(bar, context) {
  const { number, part, title, limit, then, needs = [], needsEnv = [] } = bar;
  const absent = [...missing(needs), ...needsEnv.filter((name) => process.env[name] === undefined)];
  const facts = { bar: nameOf({ number, part }), title, limit, then };
  if (absent.length > 0) return { ...facts, state: `needs ${absent.join(', ')}` };
  try {
    const found = await bar.measure(context);
    const figure = found.value ?? found.ratio;
    return {
      ...facts,
      ...found,
      state: figure <= then ? 'met, and the next' : figure <= limit ? 'met' : 'missed',
    };
  } catch (error) {
    return { ...facts, state: 'failed', error: String(error.message ?? error) };
  }
}

function nameOf({ number, part = '' }) {
  return `${number}${part}`;
}

function tableOf(results) {
  const rows = results.map((result) => [
    result.bar,
    result.title,
    milliseconds(result.subject),
    milliseconds(result.peer),
    figureOf(result),
    `≤ ${result.limit}`,
    result.error === undefined ? result.state : `${result.state}: ${result.error.split('\n')[0]}`,
  ]);
  const table = [['bar', 'what', 'datawf', 'peer', 'figure', 'bar is', 'state'], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const right = new Set([2, 3, 4, 5]);
  return `${table
    .map((row) =>
      row
        .map((cell, column) =>
          right.has(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}

function milliseconds(ms) {
  return ms === undefined ? '' : `${Math.round(ms)} ms`;
}

function figureOf({ value, ratio }) {
  const figure = value ?? ratio;
  return figure === undefined ? '' : figure.toFixed(2);
}
