import type { Git } from '../workspace/git.ts';

/** Whom `{user}` stands for: git's name of this person, or else the system's. */
export async function userAtHand(
  git: Git,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const { name } = await git.user();
  return name === '' ? env['USER'] : name;
}
