import { pathToFileURL } from 'node:url';
import { dirname, join } from 'node:path/posix';
import type { FindPlaces } from '../store/store.ts';
import type { DatumWork, SandboxDep, SandboxFile, CommandWork } from './runner.ts';
import { SandboxFault } from './sandbox-fault.ts';

/** What lists of places are made with, here and in a pod. */
export interface UrlSource {
  readonly places: FindPlaces;
  /** Text of a symlink: a small object. */
  readonly linkText: (file: SandboxFile) => Promise<string>;
  /** Absolute root of a working tree, for files that are no objects. */
  readonly root: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Lists by the name of their dep, of the deps with `access: url`. */
export type UrlLists = ReadonlyMap<string, string>;

/** URLs hold for the stage's timeout, or so long. */
const USUAL_SECONDS = 12 * 3600;

/**
 * Makes the lists of a stage's datums; see docs/running.md for their form. Those of deps that all datums share are used again
 * while they hold long enough for one more.
 */
export function createUrlLists(
  stage: CommandWork,
  source: UrlSource,
): (work: DatumWork, signal: AbortSignal) => Promise<UrlLists> {
  const seconds = stage.stage.timeoutSeconds ?? USUAL_SECONDS;
  const shared = stage.broadcast.filter(isUrlDep);
  let last: { readonly lists: UrlLists; readonly until: number } | undefined;
  const sharedLists = async (signal: AbortSignal): Promise<UrlLists> => {
    if (last === undefined || source.now() > last.until) {
      const until = source.now() + seconds * 1000;
      last = { until, lists: await listsOf(shared, source, { seconds: 2 * seconds, signal }) };
    }
    return last.lists;
  };
  return async (work, signal) => {
    const own = await listsOf(work.deps.filter(isUrlDep), source, { seconds, signal });
    return shared.length === 0 ? own : new Map([...(await sharedLists(signal)), ...own]);
  };
}

export function isUrlDep({ access }: SandboxDep): boolean {
  return access === 'url';
}

interface Signing {
  readonly seconds: number;
  readonly signal: AbortSignal;
}

async function listsOf(deps: readonly SandboxDep[], source: UrlSource, signing: Signing): Promise<UrlLists> {
  const lists = new Map<string, string>();
  for (const dep of deps) lists.set(dep.name, await listOf(dep, source, signing));
  return lists;
}

/** JSON lines in the order of the paths, as schemas/url-list.schema.json has one. */
async function listOf(dep: SandboxDep, source: UrlSource, { seconds, signal }: Signing): Promise<string> {
  const files = new Map(dep.files.map((file) => [file.path, file]));
  const contents: { readonly path: string; readonly content: SandboxFile }[] = [];
  for (const file of dep.files)
    contents.push({ path: file.path, content: await contentOf(file, files, source) });
  const stored = contents.flatMap(({ content }) => (content.from === 'store' ? [content.digest] : []));
  const places = await source.places(stored, seconds, signal);
  let text = '';
  for (const { path, content } of contents) {
    const { digest, size } = content;
    const place =
      content.from === 'store'
        ? places.get(digest)
        : { url: pathToFileURL(`${source.root}/${content.path}`).href };
    if (place === undefined) throw nowhere(path, digest);
    text += `${JSON.stringify({ path, digest, size, ...place })}\n`;
  }
  return text;
}

/** A symlink stands for the file of its dep that it leads to. */
async function contentOf(
  file: SandboxFile,
  files: ReadonlyMap<string, SandboxFile>,
  source: UrlSource,
): Promise<SandboxFile> {
  let at: SandboxFile | undefined = file;
  for (let hop = 0; at?.kind === 'l' && hop < HOPS; hop++) {
    at = files.get(join(dirname(at.path), await source.linkText(at)));
  }
  if (at !== undefined && at.kind !== 'l') return at;
  throw new SandboxFault({
    class: 'user',
    code: 'outside-link',
    message: `the input ${file.path} is a symlink to nothing that its dep has`,
    hint: 'Add the file that it points to as well, or instead.',
    paths: [file.path],
    retry: false,
  });
}

const HOPS = 8;

function nowhere(path: string, digest: string): SandboxFault {
  return new SandboxFault({
    class: 'infra',
    code: 'missing-object',
    message: `the content of the input ${path} (${digest}) is in none of the stores`,
    hint: 'Name the store that has it in .datawf/config.yaml, or run the stage that makes it again.',
    paths: [path],
    retry: false,
  });
}
