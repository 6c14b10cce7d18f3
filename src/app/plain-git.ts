import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs git in a folder, as somebody where git knows nobody, whatever repository the caller stands in. */
export async function plainGit(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
): Promise<void> {
  const own = Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX)$/.test(name)),
  );
  const git = async (...words: readonly string[]): Promise<string> =>
    (await run('git', words, { cwd: folder, env: own })).stdout;
  const known = await git('config', 'user.email').catch(() => '');
  const identity = known.trim() === '' ? ['-c', 'user.name=datawf', '-c', 'user.email=datawf@localhost'] : [];
  await git(...identity, ...args);
}
