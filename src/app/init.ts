import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import type { InitReport } from '../model/setup-report.ts';
import { ensureAttributes, ignorePath } from '../workspace/git-ignore.ts';
import { ATTRIBUTES, lacksDrivers, registerDrivers } from './git-drivers.ts';
import { installHooks } from './git-hooks.ts';
import type { AppContext } from './ports.ts';

export interface InitRequest {
  /** Text of the JSON Schema of `datawf.yaml`, put beside it for editors. */
  readonly schema: string;
  readonly dryRun: boolean;
  /** Write git hooks, too. */
  readonly hooks: boolean;
}

const NO_HOOKS: InitReport['hooks'] = { written: [], unchanged: [], foreign: [] };
const SCHEMA_FILE = '.datawf/datawf.schema.json';

/** Makes a git repository, and this clone of it, ready for datawf. Safe to run again: what is there stays, and the schema is brought up to date. */
export async function init(context: AppContext, request: InitRequest): Promise<InitReport> {
  const { root } = context.workspace;
  const found: Record<'created' | 'changed' | 'unchanged', string[]> = {
    created: [],
    changed: [],
    unchanged: [],
  };
  const step = (path: string, write: () => boolean): void => {
    const before = existsSync(join(root, path));
    const changed = request.dryRun ? !before : write();
    found[changed ? (before ? 'changed' : 'created') : 'unchanged'].push(path);
  };
  step('datawf.yaml', () => writeNew(join(root, 'datawf.yaml'), STARTER));
  step(SCHEMA_FILE, () => writeChanged(join(root, SCHEMA_FILE), request.schema));
  step('.datawf/.gitignore', () => ignorePath(root, '.datawf/local.yaml'));
  step('.gitattributes', () => ensureAttributes(root, ATTRIBUTES));
  if (!request.dryRun) context.store.prepare();
  const isNew = await (request.dryRun ? lacksDrivers(context) : registerDrivers(context));
  const hooks = request.hooks ? await installHooks(context, request.dryRun) : NO_HOOKS;
  return { root, dryRun: request.dryRun, ...found, drivers: isNew ? 'registered' : 'unchanged', hooks };
}

function writeNew(file: string, text: string): boolean {
  if (existsSync(file)) return false;
  writeAtomic(file, text);
  return true;
}

function writeChanged(file: string, text: string): boolean {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return false;
  mkdirSync(dirname(file), { recursive: true });
  writeAtomic(file, text);
  return true;
}

/** A workflow without stages, with what a first one looks like. */
const STARTER = `# yaml-language-server: $schema=${SCHEMA_FILE}
#
# What should be: the stages of this repository's workflow. datawf writes what is into datawf.lock beside it.
# Quote every pattern. Paths are relative to this file's folder; a leading / means the repository's root.
# The captures in \`outs\` say what a datum is, those in \`deps\` what each datum gets: a name binds, a star collects.

zone: UTC # of \`today\` and of instants

# stages:
#   clean:
#     desc: One clean file for each raw one
#     cmd: python3 clean.py "$raw" "$clean" # every dep and out is a variable of its own name
#     code: [clean.py] # files that the command runs; a change makes every datum stale
#     deps: {raw: "data/raw/{date:%Y-%m-%d}.csv"}
#     outs: {clean: "data/clean/{date:%Y-%m-%d}.csv"}
#
#   monthly:
#     cmd: cat "$clean"/*.csv > "$month"
#     deps: {clean: "data/clean/{date:%Y-%m-%d}.csv"}
#     outs: {month: "data/monthly/{date:%Y-%m}.csv"} # coarser: the days of a month are collected
`;
