import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Problem } from '../model/problem.ts';
import type { Check, DoctorReport } from '../model/setup-report.ts';
import { hashEngine } from '../util/blake3.ts';
import { tryLock } from '../workspace/process-lock.ts';
import { lockFileOf } from '../workspace/workspace.ts';
import { foldsCase, linkWays } from './disk-probes.ts';
import { clusterChecks } from './doctor-cluster.ts';
import { failedCheck, guardChecks, storeChecks } from './doctor-stores.ts';
import { driverCheck } from './git-drivers.ts';
import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles, type Project } from './project.ts';
import type { RunPorts } from './run-ports.ts';

/** One thing to look at; throws where it can't be looked at, which is then its failure. */
type Look = (context: AppContext, project: Project | undefined) => Check | Promise<Check>;

/** What to look at besides this machine. */
export interface DoctorRequest {
  /** Whether an environment was named: then its cluster, and what it must not be able to do, are looked at as well. */
  readonly isForEnvironment: boolean;
  readonly cluster: RunPorts['cluster'];
}

/** Looks at everything that datawf needs here. Writes and removes a few probe files beside the store and in the work tree. */
export async function doctor(context: AppContext, request: DoctorRequest): Promise<DoctorReport> {
  const [definitions, project] = readDefinitions(context);
  const checks: Check[] = [nodeCheck(context), await look('git', gitCheck, context, project), definitions];
  checks.push(
    await look('user', userCheck, context, project),
    await look('hash', hashCheck, context, project),
    await look('store', storeCheck, context, project),
    await look('space', spaceCheck, context, project),
    await look('links', linkCheck, context, project),
    await look('names', nameCheck, context, project),
    await look('ignored', ignoredCheck, context, project),
    await look('drivers', driverCheck, context, project),
    await look('lock', lockCheck, context, project),
  );
  checks.push(...(await storeChecks(context)));
  if (request.isForEnvironment) {
    checks.push(...(await guardChecks(context)));
    const stages = project?.pipeline.stages.map(({ name }) => name) ?? [];
    if ((await context.environment())?.executor === 'kubernetes')
      checks.push(...(await clusterChecks(context, { stages, cluster: request.cluster })));
  }
  return { ok: checks.every((check) => check.state !== 'fail'), version: context.around.version, checks };
}

// eslint-disable-next-line @typescript-eslint/max-params -- a named step with what every step gets
async function look(
  name: string,
  step: Look,
  context: AppContext,
  project: Project | undefined,
): Promise<Check> {
  try {
    return await step(context, project);
  } catch (error) {
    return failedCheck(name, error);
  }
}

function nodeCheck(context: AppContext): Check {
  return {
    name: 'datawf',
    state: 'ok',
    message: `${context.around.version} on Node ${process.versions.node}, ${context.around.cores} cores`,
  };
}

function readDefinitions(context: AppContext): readonly [Check, Project | undefined] {
  try {
    const project = loadProject(workTreeFiles(context.workspace));
    const { stages, files } = project.pipeline;
    if (files.length === 0) {
      return [
        { name: 'workflow', state: 'warn', message: 'there is no datawf.yaml yet', fix: 'Run: datawf init' },
        project,
      ];
    }
    const message = `${stages.length} stages and ${project.datasets.length} datasets in ${files.join(', ')}`;
    return [{ name: 'workflow', state: 'ok', message }, project];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const where = error.place === undefined ? '' : `${error.place.file}:${error.place.line ?? 1}: `;
    const fix = error.hint === undefined ? {} : { fix: error.hint };
    return [{ name: 'workflow', state: 'fail', message: where + error.message, ...fix }, undefined];
  }
}

const OLDEST_GIT = [2, 25] as const;

async function gitCheck(context: AppContext): Promise<Check> {
  const { stdout } = await promisify(execFile)('git', ['--version'], { env: { ...context.around.env } });
  const version = /(\d+)\.(\d+)(\.\d+)*/.exec(stdout);
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  const old = major < OLDEST_GIT[0] || (major === OLDEST_GIT[0] && minor < OLDEST_GIT[1]);
  const message = `git ${version?.[0] ?? stdout.trim()}`;
  return old
    ? { name: 'git', state: 'warn', message, fix: `Update git to ${OLDEST_GIT.join('.')} or newer.` }
    : { name: 'git', state: 'ok', message };
}

async function userCheck(context: AppContext): Promise<Check> {
  const { name, mail } = await context.git.user();
  if (name !== '' && mail !== '') return { name: 'user', state: 'ok', message: `${name} <${mail}>` };
  return {
    name: 'user',
    state: 'warn',
    message: 'git has no name and mail to put into commits and run records',
    fix: 'Run: git config user.name "…" and git config user.email "…"',
  };
}

function hashCheck(): Check {
  if (hashEngine() === 'native') return { name: 'hash', state: 'ok', message: 'BLAKE3, native' };
  return {
    name: 'hash',
    state: 'warn',
    message: 'BLAKE3 runs as WebAssembly, about ten times slower: there is no native build here',
    fix: 'Install again with optional packages, on a common platform.',
  };
}

function storeCheck(context: AppContext): Check {
  const folder = context.store.folder;
  context.store.prepare();
  const format = existsSync(join(folder, 'FORMAT'))
    ? readFileSync(join(folder, 'FORMAT'), 'utf8').trim()
    : 'no FORMAT file';
  return { name: 'store', state: 'ok', message: `${folder} (${format})` };
}

/** Below this share of free space a warning is due. */
const LITTLE = 0.02;

function spaceCheck(context: AppContext): Check {
  const { bavail, blocks, bsize } = statfsSync(context.store.folder);
  const message = `${((bavail * bsize) / 1e9).toFixed(1)} GB free beside the store`;
  if (bavail / blocks >= LITTLE) return { name: 'space', state: 'ok', message };
  return { name: 'space', state: 'warn', message, fix: 'Free some space, or move the store with cache.dir.' };
}

function linkCheck(context: AppContext): Check {
  const ways = linkWays(context.store.tempFolder(), context.workspace.root);
  const way = context.config.cache.links.find((link) => ways.includes(link));
  if (way === undefined) {
    return {
      name: 'links',
      state: 'fail',
      message: `none of ${context.config.cache.links.join(', ')} works here`,
      fix: 'Add copy to cache.links.',
    };
  }
  if (way !== 'copy')
    return { name: 'links', state: 'ok', message: `files come into the workspace by ${way}` };
  return {
    name: 'links',
    state: 'warn',
    message: 'files are copied into the workspace: it takes their space twice',
    fix: 'Put the store on the file system of the workspace (cache.dir).',
  };
}

function nameCheck(context: AppContext): Check {
  if (!foldsCase(context.workspace.root))
    return { name: 'names', state: 'ok', message: 'upper and lower case are told apart' };
  return {
    name: 'names',
    state: 'warn',
    message: 'this file system takes A and a for one name: datasets with both cannot be checked out here',
  };
}

async function ignoredCheck(context: AppContext, project: Project | undefined): Promise<Check> {
  const homes = [...new Set((project?.datasets ?? []).map((dataset) => dataset.home as string))];
  const tracked = homes.length === 0 ? [] : await context.git.trackedFiles(homes);
  const data = tracked.filter(
    (path) => !/(^|\/)(\.gitignore|\.gitattributes|datawf\.(yaml|lock)|[^/]*\.datawf)$/.test(path),
  );
  if (data.length > 0) {
    const some = data.slice(0, 3).join(', ') + (data.length > 3 ? ` and ${data.length - 3} more` : '');
    return {
      name: 'ignored',
      state: 'fail',
      message: `git tracks data: ${some}`,
      fix: `Run: git rm -r --cached ${homes.find((home) => data.some((path) => path.startsWith(home))) ?? ''}`,
    };
  }
  const ignored = new Set(homes.length === 0 ? [] : await context.git.ignored(homes));
  const open = homes.filter((home) => !ignored.has(home) && existsSync(join(context.workspace.root, home)));
  if (open.length === 0)
    return {
      name: 'ignored',
      state: 'ok',
      message: homes.length === 0 ? 'there is no data yet' : `git leaves ${homes.length} data paths alone`,
    };
  return {
    name: 'ignored',
    state: 'warn',
    message: `git doesn't ignore ${open.slice(0, 3).join(', ')}${open.length > 3 ? ` and ${open.length - 3} more` : ''}`,
    fix: `Add to .gitignore: ${open
      .slice(0, 3)
      .map((home) => `/${home}`)
      .join(' ')}`,
  };
}

function lockCheck(context: AppContext): Check {
  const lock = tryLock({
    file: lockFileOf(context.workspace),
    command: 'datawf doctor',
    now: context.around.now,
  });
  if (lock === undefined)
    return {
      name: 'lock',
      state: 'warn',
      message: 'another datawf command is working in this workspace',
      fix: 'Wait for it to end.',
    };
  lock.release();
  return { name: 'lock', state: 'ok', message: 'no other command is working here' };
}
