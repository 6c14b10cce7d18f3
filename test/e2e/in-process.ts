import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReproRequest } from '../../src/app/requests.ts';
import { openContext } from '../../src/cli/context.ts';
import type { WorkEvent } from '../../src/model/event.ts';

/**
 * Commands in this process, for stories of hundreds of them: a process of its own takes a fifth of a second of CPU.
 */

/** A folder for repositories, with the surroundings that git and commands see there. */
export function openHome(): { readonly base: string; readonly env: Readonly<Record<string, string>> } {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'datawf-scratch-')));
  writeFileSync(
    join(base, '.gitconfig'),
    '[user]\n\tname = Ada Test\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n\ttemplateDir =\n[maintenance]\n\tauto = false\n[gc]\n\tauto = 0\n',
  );
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: base,
    GIT_CONFIG_NOSYSTEM: '1',
    TMPDIR: base,
    TZ: 'UTC',
    LC_ALL: 'C.UTF-8',
  };
  return { base, env };
}

/** The context of one command, as the command line opens it. */
export function contextAt(
  root: string,
  env: Readonly<Record<string, string>>,
  emit: (event: WorkEvent) => void = () => undefined,
) {
  return openContext({
    onStore: () => undefined,
    host: {
      argv: ['repro'],
      env,
      cwd: root,
      stdout: process.stdout,
      stderr: process.stderr,
      pid: process.pid,
      userId: undefined,
      now: Date.now,
    },
    globals: {
      dir: undefined,
      json: true,
      quiet: true,
      verbose: false,
      color: undefined,
      yes: false,
      jobs: undefined,
    },
    signal: new AbortController().signal,
    emit,
  });
}

/** A plain `datawf repro`. */
export const PLAIN_REPRO: ReproRequest = {
  targets: [],
  single: false,
  force: false,
  since: undefined,
  until: undefined,
  runCache: true,
  downstream: false,
  failFast: false,
  allowDrop: false,
  pull: false,
  allowMissing: false,
  commit: false,
  detach: false,
  dryRun: false,
  check: false,
  order: undefined,
  jobs: 4,
};
