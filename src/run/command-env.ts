import { invalid } from '../model/problem.ts';
import type { DatumWork, SandboxDep, SandboxFile, CommandWork } from './runner.ts';

/** Where a command finds its scratch; absolute paths. */
export interface CommandPlaces {
  readonly home: string;
  readonly temp: string;
  /** Folder with the lists of inputs (`listName`). */
  readonly lists: string;
}

/**
 * Everything a command's environment holds (docs/running.md). `path` is the PATH of the caller. Paths of deps and outs are
 * written as they work from the stage's folder.
 */
export function commandEnv(
  stage: CommandWork,
  work: DatumWork,
  outside: CommandPlaces & { readonly path: string },
): Record<string, string> {
  const base = stage.stage.base;
  const env: Record<string, string> = {
    TZ: 'UTC',
    LC_ALL: 'C.UTF-8',
    PYTHONDONTWRITEBYTECODE: '1',
    ...stage.env,
    ...stage.secrets,
    ...Object.fromEntries(work.captures),
  };
  const deps = allDeps(stage, work);
  for (const dep of deps) {
    const list = `${outside.lists}/${listName(deps, dep)}`;
    env[dep.name] = dep.value !== '' && dep.access === 'url' ? list : pathFrom(base, dep.value);
    env[`DATAWF_INPUTS_${dep.name}`] = list;
  }
  for (const out of work.outs) env[out.name] = pathFrom(base, out.path);
  env['DATAWF_INPUTS'] = `${outside.lists}/all`;
  env['PATH'] = outside.path;
  env['HOME'] = outside.home;
  env['TMPDIR'] = outside.temp;
  return env;
}

/** File of $DATAWF_INPUTS_<dep>: an only dep has the list of all. That of a dep with `access: url` is JSON lines. */
export function listName(deps: readonly SandboxDep[], dep: SandboxDep): string {
  if (dep.access === 'url') return `dep-${dep.name}.ndjson`;
  return deps.length === 1 ? 'all' : `dep-${dep.name}`;
}

/** What a dep puts into the sandbox. */
export function placedFiles({ access, files }: SandboxDep): readonly SandboxFile[] {
  return access === 'url' ? [] : files;
}

/** Deps of a datum with those that all datums of the stage share. */
export function allDeps(stage: CommandWork, work: DatumWork): readonly SandboxDep[] {
  return stage.broadcast.length === 0 ? work.deps : [...stage.broadcast, ...work.deps];
}

/** A repository path as it works from a folder of the repository; '' (a dep without files) stays ''. */
export function pathFrom(base: string, path: string): string {
  if (path === '') return '';
  if (base === '') return path.startsWith('-') ? `./${path}` : path;
  const from = base.split('/');
  const to = path.split('/');
  let same = 0;
  while (same < from.length && same < to.length && from[same] === to[same]) same++;
  const steps = [...from.slice(same).map(() => '..'), ...to.slice(same)];
  const text = steps.length === 0 ? '.' : steps.join('/');
  return text.startsWith('-') ? `./${text}` : text;
}

/**
 * What to execute: a string by `/bin/sh -c`, a list as it is, where an item that is exactly `$name` becomes that variable.
 * Problem `unknown-variable` (exit 2) where there is none of that name.
 */
export function commandArgv(
  cmd: string | readonly string[],
  env: Readonly<Record<string, string>>,
): readonly string[] {
  if (typeof cmd === 'string') return ['/bin/sh', '-c', cmd];
  return cmd.map((item) => {
    const name = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(item)?.[1];
    if (name === undefined) return item;
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value !== undefined) return value;
    throw invalid(
      'unknown-variable',
      `the item "${item}" of cmd names no dep, out, capture, param, env or secret`,
      `Known are ${Object.keys(env)
        .filter((known) => !known.startsWith('DATAWF_'))
        .sort()
        .join(', ')}.`,
    );
  });
}
