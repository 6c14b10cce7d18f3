import type { AppContext } from './ports.ts';
import { lockPathOf, workTreeFiles } from './project.ts';
import type { NamedVersions } from './damage-hits.ts';
import { homesOfText, type HomeVersion } from './home-versions.ts';

/** What lock and pointers in this work tree name, as far as they can be read. */
export function workTreeVersions(ctx: Pick<AppContext, 'workspace'>): readonly HomeVersion[] {
  const { pipelines, pointers, read } = workTreeFiles(ctx.workspace);
  return [...pipelines.map(lockPathOf), ...pointers].flatMap((path) => {
    const text = read(path);
    return text === undefined ? [] : homesOfText(text, path);
  });
}

/** What each tip of git names: branches, with `remote` also remote-tracking branches and tags. Cost: a few runs of git a tip. */
export async function branchVersions(
  ctx: Pick<AppContext, 'git'>,
  { remote }: { readonly remote: boolean },
): Promise<readonly NamedVersions[]> {
  const { history } = ctx.git;
  const all: NamedVersions[] = [];
  for (const { kind, name, commit } of await history.tips()) {
    if (kind !== 'branch' && !(remote && (kind === 'remote' || kind === 'tag'))) continue;
    const tracked = await history.trackedIn([commit]);
    const versions: HomeVersion[] = [];
    for await (const { id, text } of history.texts(tracked.keys()))
      versions.push(...homesOfText(text, tracked.get(id) ?? ''));
    all.push({ branch: name, versions });
  }
  return all;
}
