import type { Config } from '../model/config.ts';

/** One config file's content, not merged. */
export interface ConfigLayer {
  readonly file: string;
}
export function parseConfigFile(text: string, file: string): ConfigLayer {
  throw new Error(`not written yet: ${text.length} ${file}`);
}
/** Layers from the weakest (project) to the strongest. */
export function mergeConfig(layers: readonly ConfigLayer[]): Config {
  throw new Error(`not written yet: ${layers.length}`);
}
