/** Runs git; undefined where it exits with a code that means "nothing". */
export type RunGit = (
  args: readonly string[],
  options?: {
    readonly nothing?: readonly number[];
    /** What git reads from its standard input. */
    readonly input?: string;
  },
) => Promise<string | undefined>;

/** A commit that git keeps by itself, and why. */
export interface Tip {
  readonly commit: string;
  readonly kind: 'branch' | 'remote' | 'tag' | 'stash' | 'worktree' | 'ref';
  /** As people say it: `main`, `origin/main`, `v1`, `stash@{0}`, a work tree's folder. */
  readonly name: string;
}

export interface Commit {
  readonly commit: string;
  /** Committer's time, epoch seconds. */
  readonly time: number;
  readonly parents: readonly string[];
}

/** Versions of files: git's id of the bytes, and a path that they had. */
export type TrackedVersions = ReadonlyMap<string, string>;

/** A tracked file as a commit has it that changed it. */
export interface FileVersion {
  readonly commit: string;
  /** `Name <mail>`. */
  readonly author: string;
  /** RFC 3339 with offset. */
  readonly time: string;
  readonly subject: string;
  /** Git's id of the bytes; undefined where the commit deleted it. */
  readonly id: string | undefined;
}

/** Questions about all of a repository's history, each answered by one to three runs of git whatever its length. */
export interface GitHistory {
  /** Branches, remote-tracking branches, tags, stashes, other refs, and what is checked out in each work tree. */
  tips(): Promise<readonly Tip[]>;
  /** Folders of all work trees that are there, this one's too. */
  workTrees(): Promise<readonly string[]>;
  /** Committers' times of commits, epoch seconds. */
  times(commits: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Commits that a ref or a reflog leads to, in no order. */
  commits(): Promise<readonly Commit[]>;
  /** The locks and pointers as they are in these commits. */
  trackedIn(commits: readonly string[]): Promise<TrackedVersions>;
  /** The locks and pointers that these commits changed, before and after. */
  changedBy(commits: readonly string[]): Promise<TrackedVersions>;
  /**
   * Branches whose work may be in HEAD, the likeliest first: those that its newest merges name, those whose tips it contains,
   * then the others.
   */
  branchesOfHead(): Promise<readonly string[]>;
  /** Locks and pointers in the index, those of an unfinished merge too. */
  staged(): Promise<TrackedVersions>;
  /** The commits before and at a ref that changed a file, newest first; none where the ref has no history. */
  versionsOf(ref: string, path: string): Promise<readonly FileVersion[]>;
  /** Texts of such files by id; what isn't here (a partial clone offline) is left out. */
  texts(ids: Iterable<string>): AsyncIterable<{ readonly id: string; readonly text: string }>;
}

/** The history as a runner of git tells it. */
export function historyOf(run: RunGit): GitHistory {
  const lines = async (args: readonly string[], input?: string): Promise<string[]> => {
    const text = (await run(args, input === undefined ? {} : { input })) ?? '';
    return text.split('\n').filter((line) => line !== '');
  };
  const versionsOf = async (input: readonly string[]): Promise<TrackedVersions> => {
    const options = [
      '--stdin',
      '-r',
      '-m',
      '--root',
      '--raw',
      '--no-commit-id',
      '--no-abbrev',
      '--no-renames',
    ];
    const text = await run(['diff-tree', ...options, '-z', '--', ...TRACKED], { input: joined(input) });
    return versionsOfRaw(text ?? '');
  };
  return {
    tips: async () => {
      const format = '%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname)';
      const refs = (await lines(['for-each-ref', `--format=${format}`])).flatMap(tipOfRef);
      const stashes = await run(['rev-list', '--walk-reflogs', '--parents', 'refs/stash'], {
        nothing: [128],
      });
      return [...refs, ...stashTips(stashes ?? ''), ...headTips(await lines(WORK_TREES))];
    },
    workTrees: async () =>
      (await lines(WORK_TREES)).flatMap((line) => (line.startsWith('worktree ') ? line.slice(9) : [])),
    times: async (commits) => {
      if (commits.length === 0) return new Map();
      const found = await lines(['log', '--no-walk=unsorted', '--stdin', '--format=%H %ct'], joined(commits));
      return new Map(found.map((line) => [line.slice(0, line.indexOf(' ')), Number(line.split(' ')[1])]));
    },
    commits: async () => {
      const all = await lines(['rev-list', '--all', '--reflog', '--timestamp', '--parents']);
      return all.map((line) => {
        const [time, commit = '', ...parents] = line.split(' ');
        return { commit, time: Number(time), parents };
      });
    },
    trackedIn: async (commits) => {
      if (commits.length === 0) return new Map();
      const empty = (await run(['hash-object', '-t', 'tree', '/dev/null']))?.trim() ?? '';
      const trees = await lines(
        ['log', '--no-walk=unsorted', '--stdin', '--format=%T'],
        joined([...new Set(commits)]),
      );
      return versionsOf([...new Set(trees)].map((tree) => `${empty} ${tree}`));
    },
    branchesOfHead: async () => {
      const subjects = await run(['log', '-n', '50', '--merges', '--format=%s', 'HEAD'], { nothing: [128] });
      const list = ['for-each-ref', '--sort=-committerdate', '--format=%(refname)'];
      const refs = ['refs/heads/', 'refs/remotes/'];
      const merged = await run([...list, '--merged', 'HEAD', ...refs], { nothing: [128, 129] });
      const names = [merged ?? '', (await run([...list, ...refs])) ?? ''].flatMap((text) =>
        text.split('\n').flatMap((ref) => /^refs\/(?:heads|remotes\/[^/]+)\/(.+)$/.exec(ref)?.[1] ?? []),
      );
      const named = (subjects ?? '').split('\n').flatMap(branchOfSubject);
      return [...new Set([...named, ...names])].filter((name) => name !== 'HEAD');
    },
    changedBy: (commits) => (commits.length === 0 ? Promise.resolve(new Map()) : versionsOf(commits)),
    staged: async () => {
      const text = (await run(['ls-files', '--stage', '-z', '--', ...TRACKED])) ?? '';
      return new Map(
        text.split('\0').flatMap((line) => {
          const [, id, path] = /^100\d{3} ([0-9a-f]+) \d\t([^]+)$/.exec(line) ?? [];
          return id === undefined || path === undefined ? [] : [[id, path] as const];
        }),
      );
    },
    versionsOf: async (ref, path) => {
      const options = [
        '-m',
        '--raw',
        '--no-abbrev',
        '--no-renames',
        '--format=%x1e%H%x1f%an <%ae>%x1f%aI%x1f%s',
      ];
      const text = await run(['log', ...options, ref, '--', `:(top,literal)${path}`], { nothing: [128] });
      return fileVersions(text ?? '');
    },
    texts: (ids) => readTexts(run, [...ids]),
  };
}

const WORK_TREES = ['worktree', 'list', '--porcelain'] as const;
/** Locks and pointers, in any folder. */
const TRACKED = [':(top,glob)**/datawf.lock', ':(top,glob)**/?*.datawf'] as const;

function joined(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

const KINDS: readonly (readonly [prefix: string, kind: Tip['kind']])[] = [
  ['refs/heads/', 'branch'],
  ['refs/remotes/', 'remote'],
  ['refs/tags/', 'tag'],
];

function tipOfRef(line: string): Tip[] {
  const [, type, id, peeledType, peeled, ref = ''] =
    /^(\w+) ([0-9a-f]+) (\w*) ([0-9a-f]*) (.+)$/.exec(line) ?? [];
  const commit = type === 'commit' ? id : peeledType === 'commit' ? peeled : undefined;
  if (commit === undefined || ref === 'refs/stash') return [];
  const [prefix, kind] = KINDS.find(([start]) => ref.startsWith(start)) ?? ['', 'ref'];
  return [{ commit, kind, name: ref.slice(prefix.length) }];
}

/** A stash is a commit whose further parents hold the index and the untracked files. */
function stashTips(text: string): Tip[] {
  const stashes = text.split('\n').filter((line) => line !== '');
  return stashes.flatMap((line, index) => {
    const [commit = '', , ...others] = line.split(' ');
    return [commit, ...others].map((id) => ({
      commit: id,
      kind: 'stash' as const,
      name: `stash@{${index}}`,
    }));
  });
}

function headTips(lines: readonly string[]): Tip[] {
  let folder = '';
  return lines.flatMap((line) => {
    if (line.startsWith('worktree ')) folder = line.slice(9);
    const commit = /^HEAD ([0-9a-f]*[1-9a-f][0-9a-f]*)$/.exec(line)?.[1];
    return commit === undefined ? [] : [{ commit, kind: 'worktree' as const, name: folder }];
  });
}

/** The branch that a merge's subject names, as git, GitHub and GitLab write it. */
function branchOfSubject(subject: string): string[] {
  const found =
    /^Merge (?:remote-tracking )?branch '([^']+)'/.exec(subject) ??
    /^Merge pull request #\d+ from [^/\s]+\/(\S+)/.exec(subject);
  const name = found?.[1];
  if (name === undefined) return [];
  return subject.startsWith('Merge remote') ? [name.slice(name.indexOf('/') + 1)] : [name];
}

/** Versions on both sides of `git diff-tree --raw -z`, without what isn't there and what is no file. */
function versionsOfRaw(text: string): TrackedVersions {
  const versions = new Map<string, string>();
  const parts = text.split('\0');
  for (const [index, part] of parts.entries()) {
    const [, oldMode, newMode, before = '', after = ''] =
      /(?:^|\n):(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) /.exec(part) ?? [];
    const path = parts[index + 1] ?? '';
    if (oldMode?.startsWith('100') === true) versions.set(before, path);
    if (newMode?.startsWith('100') === true) versions.set(after, path);
  }
  return versions;
}

/** Of a merge there is a record for each parent, with the same file: the first counts. */
function fileVersions(text: string): readonly FileVersion[] {
  const versions = new Map<string, FileVersion>();
  for (const record of text.split('\x1e').slice(1)) {
    const [head = '', ...raw] = record.split('\n');
    const [commit = '', author = '', time = '', subject = ''] = head.split('\x1f');
    const id = /^:\d+ \d+ [0-9a-f]+ ([0-9a-f]*[1-9a-f][0-9a-f]*) /m.exec(raw.join('\n'))?.[1];
    if (!versions.has(commit)) versions.set(commit, { commit, author, time, subject, id });
  }
  return [...versions.values()];
}

/** Texts asked of git at once. */
const BATCH = 200;

async function* readTexts(run: RunGit, ids: readonly string[]): ReturnType<GitHistory['texts']> {
  for (let start = 0; start < ids.length; start += BATCH) {
    const some = ids.slice(start, start + BATCH);
    yield* cutBatch((await run(['cat-file', '--batch'], { input: joined(some) })) ?? '', some);
  }
}

/** By the headers of the ids in their order: sizes are of bytes, which the text may not have any more. */
function* cutBatch(text: string, ids: readonly string[]): Iterable<{ id: string; text: string }> {
  let at = 0;
  for (const [index, id] of ids.entries()) {
    const end = text.indexOf('\n', at);
    const next = ids[index + 1];
    const nextAt = next === undefined ? text.length : text.indexOf(`\n${next} `, end) + 1;
    if (text.startsWith(`${id} blob `, at)) {
      yield { id, text: text.slice(end + 1, Math.max(end + 1, nextAt - 1)) };
    }
    at = nextAt;
  }
}
