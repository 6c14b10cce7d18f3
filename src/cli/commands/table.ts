import type { Build, CommandEntry, Group } from './entry.ts';

type Row = readonly [name: string, summary: string, load: () => Promise<Build>];

const STARTING: readonly Row[] = [
  ['init', 'make a git repository ready for datawf', async () => (await import('./init.ts')).build],
  ['clone', 'a repository from a store alone', async () => (await import('./clone.ts')).build],
  ['demo', 'a small real project to look at', async () => (await import('./demo.ts')).build],
  [
    'doctor',
    'look at what datawf needs here, and say what to do',
    async () => (await import('./doctor.ts')).build,
  ],
  ['config get', 'a value of the configuration', async () => (await import('./config.ts')).buildGet],
  ['config set', 'write a value of the configuration', async () => (await import('./config.ts')).buildSet],
  [
    'config list',
    'the configuration and where it comes from',
    async () => (await import('./config.ts')).buildList,
  ],
  ['schema', 'JSON Schemas of files and answers', async () => (await import('./schema.ts')).build],
  [
    'completion',
    'completion for bash, zsh or fish',
    async () => (await import('./completion.ts')).buildFor(TABLE),
  ],
];

const DATA: readonly Row[] = [
  ['add', 'record files or folders as data', async () => (await import('./add.ts')).build],
  ['adopt', 'record files elsewhere without copying', async () => (await import('./adopt.ts')).build],
  ['remove', 'take data out of this version', async () => (await import('./remove.ts')).build],
  ['move', 'rename data', async () => (await import('./move.ts')).build],
  ['unlock', 'make recorded data editable', async () => (await import('./unlock.ts')).build],
  ['status', 'what is current, stale, missing or edited', async () => (await import('./status.ts')).build],
  ['diff', 'files that differ between versions', async () => (await import('./diff.ts')).build],
  ['ls', 'files of datasets, here or not', async () => (await import('./ls.ts')).build],
  ['cat', 'a file of a dataset, of any version', async () => (await import('./cat.ts')).build],
  ['du', 'sizes of datasets and of the store', async () => (await import('./du.ts')).build],
  ['checkout', 'bring recorded data into the workspace', async () => (await import('./checkout.ts')).build],
  [
    'lock resolve',
    'finish a merge that git could not do',
    async () => (await import('./lock.ts')).buildResolve,
  ],
  ['verify', 'read every object again and compare it', async () => (await import('./verify.ts')).build],
];

const RUNNING: readonly Row[] = [
  ['stage add', 'write a stage into datawf.yaml', async () => (await import('./stage.ts')).buildAdd],
  ['stage list', 'the stages that are defined', async () => (await import('./stage.ts')).buildList],
  ['stage remove', 'take a stage out of datawf.yaml', async () => (await import('./stage.ts')).buildRemove],
  ['repro', 'run whatever is out of date', async () => (await import('./repro.ts')).build],
  ['backfill', 'repair history, newest first', async () => (await import('./backfill.ts')).build],
  ['ps', 'Jobs that run on the cluster', async () => (await import('./cluster.ts')).buildPs],
  ['attach', 'go on with a run whose Jobs run', async () => (await import('./cluster.ts')).buildAttach],
  ['cancel', 'end the Jobs of a run', async () => (await import('./cluster.ts')).buildCancel],
  ['why', 'why a stage or file will run, or will not', async () => (await import('./why.ts')).build],
  ['dag', 'the graph of stages and datasets', async () => (await import('./dag.ts')).build],
  ['accept', 'say that new code gives the same results', async () => (await import('./accept.ts')).build],
  ['freeze', 'keep stages from running', async () => (await import('./freeze.ts')).buildFreeze],
  ['unfreeze', 'let frozen stages run again', async () => (await import('./freeze.ts')).buildUnfreeze],
];

const MOVING: readonly Row[] = [
  ['push', "copy data to the branch's store", async () => (await import('./push.ts')).build],
  ['fetch', "copy data from the branch's stores", async () => (await import('./fetch.ts')).build],
  ['pull', 'fetch, and bring it into the workspace', async () => (await import('./pull.ts')).build],
  [
    'promote',
    "copy what a merge names to this branch's store",
    async () => (await import('./promote.ts')).build,
  ],
  [
    'publish',
    'put data under readable names, for everybody',
    async () => (await import('./publish.ts')).build,
  ],
  ['export', 'plain copies of data, or an archive', async () => (await import('./export.ts')).build],
  ['serve', 'all versions as S3 and in a browser, read-only', async () => (await import('./serve.ts')).build],
  ['env list', 'the environments that branches fit', async () => (await import('./env.ts')).buildList],
  ['env show', 'what this branch may use', async () => (await import('./env.ts')).buildShow],
  [
    'env manifest',
    'policies and objects for administrators to apply',
    async () => (await import('./env.ts')).buildManifest,
  ],
];

const HISTORY: readonly Row[] = [
  ['log', 'runs with their reasons, times and counts', async () => (await import('./log.ts')).build],
  ['show', 'one run in full', async () => (await import('./show.ts')).build],
  ['logs', 'what the commands of a run printed', async () => (await import('./logs.ts')).build],
  ['blame', 'which run made a file, from what', async () => (await import('./blame.ts')).build],
];

const UPKEEP: readonly Row[] = [
  [
    'agent image',
    "build the image of datawf's part in pods",
    async () => (await import('./agent.ts')).buildImage,
  ],
  ['gc', 'remove what no version needs any more', async () => (await import('./gc.ts')).build],
  ['cache du', 'what the local store holds', async () => (await import('./cache.ts')).buildDu],
  [
    'cache prune',
    'drop local objects that another store has',
    async () => (await import('./cache.ts')).buildPrune,
  ],
];

/** Every command, in the order of the help. Only the invoked one's module is loaded. */
export const TABLE: readonly CommandEntry[] = [
  ...entries('starting', STARTING),
  ...entries('data', DATA),
  ...entries('running', RUNNING),
  ...entries('moving', MOVING),
  ...entries('history', HISTORY),
  ...entries('upkeep', UPKEEP),
];

/** Commands that git calls; no help and no completion names them (docs/branches.md does). */
export const HIDDEN: readonly CommandEntry[] = entries('data', [
  [
    'merge-driver',
    'merge a lock or .datawf file for git',
    async () => (await import('./merge-driver.ts')).build,
  ],
  [
    'diff-driver',
    'show what differs in a lock or .datawf file for git',
    async () => (await import('./diff-driver.ts')).build,
  ],
  ['pre-push', 'warn of data that is not here', async () => (await import('./pre-push.ts')).build],
]);

/** First words that need a second one. */
export const GROUPED: ReadonlySet<string> = new Set(
  TABLE.filter((row) => row.name.includes(' ')).map((row) => row.name.slice(0, row.name.indexOf(' '))),
);

function entries(group: Group, rows: readonly Row[]): readonly CommandEntry[] {
  return rows.map(([name, summary, load]) => ({ name, group, summary, load }));
}
