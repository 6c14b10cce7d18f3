import { resolve, join } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import { mergeConfig, parseConfigFile } from '../formats/config-file.ts';
import { environmentOf, fillSlugs, storeChain, type StoreChain } from '../graph/environment.ts';
import type { StoreConfig } from '../model/config.ts';
import { Problem } from '../model/problem.ts';
import type { AppContext } from './ports.ts';
import { CONFIG_FILE } from './refs.ts';

/** What is known of the stores of a clone. */
interface CloneConfig {
  /** The project's configuration, where the store has it. */
  readonly config: string | undefined;
  readonly branch: string;
  readonly reads: readonly string[];
  /** The one that is cloned, its URL absolute. */
  readonly store: StoreConfig;
}

const LOCAL_FILE = '.datawf/local.yaml';

/**
 * Has a clone find the store that it came from and those that its branch reads: in the project's configuration where there is none, else
 * in this checkout's own, and only what the project's leads elsewhere with. Answers the tracked files written.
 */
export function configureClone(ctx: AppContext, known: CloneConfig): readonly string[] {
  const { config, branch, store, reads } = known;
  const { root } = ctx.workspace;
  const write = (file: string, stores: ReadonlyMap<string, StoreConfig>, isWhole: boolean): void => {
    if (stores.size > 0) writeAtomic(join(root, file), textOf(stores, isWhole));
  };
  const own = new Map([
    ['store', store],
    ...reads.map((url, at) => [`read${at + 1}`, { ...store, url }] as const),
  ]);
  if (config === undefined) {
    write(CONFIG_FILE, own, reads.length > 0);
    return [CONFIG_FILE];
  }
  const chain = chainOf(config, branch);
  if (chain?.write === undefined) {
    write(LOCAL_FILE, own, true);
    return [];
  }
  const given = new Map<string, StoreConfig>();
  const others = chain.read.filter(({ name }) => name !== chain.write?.name);
  const pairs = [
    [chain.write, store.url] as const,
    ...others.map((one, at) => [one, reads[at] ?? one.url] as const),
  ];
  for (const [configured, url] of pairs)
    if (urlOf(configured, branch, root) !== url) given.set(configured.name, { ...store, url });
  write(LOCAL_FILE, given, false);
  return [];
}

/** undefined where the configuration is one of a newer datawf. */
function chainOf(text: string, branch: string): StoreChain | undefined {
  try {
    const config = mergeConfig([parseConfigFile(text, CONFIG_FILE)]);
    return storeChain(config, environmentOf(config, branch));
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

function urlOf({ url }: StoreConfig, branch: string, root: string): string | undefined {
  try {
    const filled = fillSlugs(url, { branch });
    return filled.startsWith('s3://') ? filled.replace(/\/+$/, '') : resolve(root, filled);
  } catch {
    return undefined;
  }
}

/** `isWhole`: with an environment by which every branch uses the first, and reads the others. */
function textOf(stores: ReadonlyMap<string, StoreConfig>, isWhole: boolean): string {
  const lines = [...stores].map(([name, { url, region, endpoint, pathStyle, ca }]) => {
    const fields = { url, region, endpoint, path_style: pathStyle ? true : undefined, ca };
    return `  ${name}: ${JSON.stringify(fields)}`;
  });
  const [first, ...others] = stores.keys();
  const chain = `{branches: ["**"], write: ${first ?? ''}, read: [${others.join(', ')}]}`;
  const environment = isWhole ? `environments:\n  clone: ${chain}\n` : '';
  return `stores:\n${lines.join('\n')}\n${environment}`;
}
