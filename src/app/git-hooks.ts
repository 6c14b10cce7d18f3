import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import type { InitReport } from '../model/setup-report.ts';
import { callOf } from './git-drivers.ts';
import type { AppContext } from './ports.ts';

/** Every hook of ours has this line; others are never touched. */
const MARK = '# Written by `datawf init --hooks`; delete this file to be rid of it. It never stops git.';

/** Writes the hooks, those of somebody else apart: they stay. In a hooks folder outside of `.git` none is written. */
export async function installHooks(ctx: AppContext, dryRun: boolean): Promise<InitReport['hooks']> {
  const folder = resolve(ctx.workspace.root, await ctx.git.hooksFolder());
  const isShared = isOutside(ctx.workspace.commonDir, folder);
  const found: Record<keyof InitReport['hooks'], string[]> = { written: [], unchanged: [], foreign: [] };
  for (const [name, body] of hookTexts(ctx)) {
    const file = join(folder, name);
    const text = `#!/bin/sh\n${MARK}\n${body}exit 0\n`;
    const present = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    if (isShared || (present !== undefined && !present.includes(MARK))) found.foreign.push(file);
    else if (present === text) found.unchanged.push(file);
    else {
      found.written.push(file);
      if (dryRun) continue;
      mkdirSync(folder, { recursive: true });
      writeAtomic(file, text);
      chmodSync(file, 0o755);
    }
  }
  return found;
}

function hookTexts({ around }: AppContext): readonly (readonly [name: string, body: string])[] {
  const call = callOf(around.program);
  return [
    // The third argument is 1 where a branch was switched, 0 where files were checked out.
    ['post-checkout', `test "$3" = 1 || exit 0\n${call} checkout -q\n`],
    ['post-merge', `${call} checkout -q\n`],
    ['pre-push', `${call} pre-push </dev/null\n`],
  ];
}

function isOutside(folder: string, path: string): boolean {
  const below = relative(folder, path);
  return below.startsWith('..') || isAbsolute(below);
}
