import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Cloned } from '../../app/clone.ts';
import type { StoreConfig } from '../../model/config.ts';
import { EXIT, refused, type ExitCode } from '../../model/problem.ts';
import { memoryOutput } from '../../ui/output.ts';
import { addExamples } from '../examples.ts';
import type { Bind, Session } from '../session.ts';

interface Options {
  readonly branch?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly pathStyle?: boolean;
  readonly ca?: string;
  readonly pull: boolean;
  readonly dryRun?: boolean;
}

/** `datawf clone STORE [DIR]` */
export function build(command: Command, bind: Bind): void {
  command
    .argument('<store>', 's3://bucket/prefix, or a folder: a store that somebody pushed to')
    .argument('[dir]', "a new folder; without it one of the store's last name")
    .option('--branch <NAME>', 'the branch to take; without it main or master, or the only one')
    .option('--region <NAME>', 'of the bucket')
    .option('--endpoint <URL>', "of an S3 server that isn't AWS")
    .option('--path-style', 'the bucket stands in the path, not in the host name')
    .option('--ca <FILE>', 'an authority to trust besides the usual ones, as PEM')
    .option('--no-pull', 'write the small files only; datawf pull brings the data later')
    .option('-n, --dry-run', 'show what would be made, and make nothing');
  addExamples(command, [
    ['datawf clone s3://agro/weather/main', 'all data of a store, without its git repository'],
    ['datawf clone /mnt/nas/weather weather --branch wind', 'another branch, from a folder'],
  ]);
  command.action(
    bind(async (session, [from, dir]: [string, string?], options: Options) => {
      const started = session.host.now();
      const store = storeOf(session, from, options);
      const folder = options.dryRun === true ? undefined : freshFolder(session, dir ?? nameOf(store.url));
      const root = realpathSync(folder?.path ?? mkdtempSync(join(tmpdir(), 'datawf-clone-')));
      let isKept = false;
      try {
        const cloned = await makeRepository(session, root, { store, branch: options.branch });
        isKept = folder !== undefined;
        const isPulled = isKept && options.pull;
        const data = isPulled ? await pull(session, root) : { exit: EXIT.ok, end: {} };
        tell(session, cloned, {
          ...data,
          root: folder?.path ?? resolve(session.host.cwd, nameOf(store.url)),
          isKept,
          started,
        });
        return data.exit;
      } finally {
        if (!isKept) clear(root, folder?.isNew !== false);
      }
    }),
  );
}

function storeOf({ host, globals }: Session, from: string, options: Options): StoreConfig {
  const cwd = resolve(host.cwd, globals.dir ?? '.');
  const { region, endpoint, pathStyle = false, ca } = options;
  const url = from.startsWith('s3://') ? from.replace(/\/+$/, '') : resolve(cwd, from);
  return {
    name: 'store',
    url,
    region,
    endpoint,
    pathStyle,
    ca: ca === undefined ? undefined : resolve(cwd, ca),
  };
}

function nameOf(url: string): string {
  return url.split('/').findLast((part) => part !== '') ?? 'data';
}

function freshFolder(
  { host, globals }: Session,
  dir: string,
): { readonly path: string; readonly isNew: boolean } {
  const path = resolve(host.cwd, globals.dir ?? '.', dir);
  const isNew = !existsSync(path);
  if (!isNew && readdirSync(path).length > 0)
    throw refused(
      'folder-not-empty',
      `${path} is not empty`,
      'Name a folder that is new: datawf clone STORE DIR',
    );
  mkdirSync(path, { recursive: true });
  return { path, isNew };
}

/** Takes away what a clone that failed has written. */
function clear(root: string, isNew: boolean): void {
  if (isNew) rmSync(root, { recursive: true, force: true });
  else for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true, force: true });
}

async function makeRepository(
  session: Session,
  root: string,
  request: { readonly store: StoreConfig; readonly branch: string | undefined },
): Promise<Cloned> {
  const { plainGit } = await import('../../app/plain-git.ts');
  const { writeClone } = await import('../../app/clone.ts');
  const { host } = session;
  await plainGit(root, host.env, ['init', '--quiet', '--initial-branch=main']);
  const cloned = await writeClone(await session.openAt(root), request);
  await plainGit(root, host.env, ['symbolic-ref', 'HEAD', `refs/heads/${cloned.branch}`]);
  await session.invoke({ cwd: root, argv: ['init', '--quiet'] });
  await plainGit(root, host.env, ['add', '--all']);
  const message = `Clone ${cloned.branch} of ${request.store.url}\n\nWithout code${cloned.commit === undefined ? '' : `; commit ${cloned.commit}`}.`;
  await plainGit(root, host.env, ['commit', '--quiet', '-m', message]);
  return cloned;
}

interface Pulled {
  readonly exit: ExitCode;
  /** What the last event of `pull` said. */
  readonly end: Readonly<Record<string, unknown>>;
}

async function pull({ globals, output, invoke }: Session, root: string): Promise<Pulled> {
  const flags = [
    ...(globals.jobs === undefined ? [] : ['--jobs', String(globals.jobs)]),
    ...(globals.quiet ? ['--quiet'] : []),
  ];
  if (!globals.json) return { exit: await invoke({ cwd: root, argv: ['pull', ...flags] }), end: {} };
  const memory = memoryOutput(output);
  const exit = await invoke({ cwd: root, argv: ['pull', ...flags, '--json'], output: memory.output });
  let end: Pulled['end'] = {};
  for (const line of memory.text().split('\n')) {
    if (line.startsWith('{"event":"end"')) end = JSON.parse(line) as Pulled['end'];
    else if (line !== '') output.data(`${line}\n`);
  }
  return { exit, end };
}

interface Told extends Pulled {
  readonly root: string;
  readonly isKept: boolean;
  readonly started: number;
}

function tell(session: Session, cloned: Cloned, { exit, end, root, isKept, started }: Told): void {
  const { globals, output, host } = session;
  const { branch, commit, remote, files, isDataOnly } = cloned;
  if (globals.json) {
    const facts = {
      folder: root,
      branch,
      commit: commit ?? null,
      remote: remote ?? null,
      tracked: files,
      isDataOnly,
    };
    const seconds = (host.now() - started) / 1000;
    output.data(`${JSON.stringify({ ...end, event: 'end', exit, seconds, dryRun: !isKept, ...facts })}\n`);
    return;
  }
  if (globals.quiet) return;
  const code = remote === undefined ? 'the git repository that pushed' : remote;
  const lines = [
    `${isKept ? 'cloned' : 'would clone'} ${branch} into ${root}: ${files.length} tracked files`,
    ...(isDataOnly
      ? ['outs of stages are added data here, since the store does not know the definitions']
      : []),
    `code is not in the store: it is in ${code}${commit === undefined ? '' : `, commit ${commit.slice(0, 12)}`}`,
  ];
  output.words(`${lines.join('\n')}\n`);
}
