import type { Config } from '../model/config.ts';
import { EXIT, Problem } from '../model/problem.ts';
import { readConfig } from './config-fields.ts';
import { collectFindings, problemOf } from './findings.ts';
import { parseYaml } from './yaml-document.ts';
import type { YamlEntry, YamlMap, YamlNode } from './yaml-node.ts';

const CODE = 'invalid-config';

/** One config file, checked by itself; another may say more of the same store or environment. */
export interface ConfigLayer {
  readonly file: string;
  readonly root: YamlNode | undefined;
}

/**
 * What a `.datawf/config.yaml`, `.datawf/local.yaml` or user's config says; an empty text says nothing. Throws one Problem
 * `invalid-config` (exit 2) for all that is wrong, with places; `merge-conflict` for conflict markers.
 */
export function parseConfigFile(text: string, file: string): ConfigLayer {
  const source = { file, text, code: CODE };
  const root = parseYaml(source);
  if (root === undefined) return { file, root };
  const findings = collectFindings(source);
  readConfig({ findings, node: root, what: 'the configuration' }, 'part');
  if (findings.list.length > 0) throw problemOf(CODE, findings);
  return { file, root };
}

/**
 * The configuration that layers give together, from the weakest (the project's) to the strongest. Maps merge by name at
 * every depth, of anything else the strongest counts; environments that only a stronger layer has come first, so that they
 * can claim a branch. Throws a Problem `invalid-config` (exit 2) where a store has no url or an environment names no store.
 */
export function mergeConfig(layers: readonly ConfigLayer[]): Config {
  const named = layers.filter((layer) => layer.root !== undefined);
  const root = named.reduce<YamlNode>((weak, { root: strong }) => merge(weak, strong ?? weak), NO_CONFIG);
  const file = named[0]?.file ?? '';
  const findings = collectFindings({ file, text: '' });
  const config = readConfig({ findings, node: root, what: 'the configuration' }, 'whole');
  const [first, ...others] = findings.list;
  if (first === undefined) return config;
  throw new Problem({
    code: CODE,
    message: first.message,
    exit: EXIT.usage,
    place: { file },
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    details: others.map((finding) => finding.message),
  });
}

const NO_CONFIG: YamlMap = { kind: 'map', flow: false, at: 0, end: 0, entries: [] };

function merge(weak: YamlNode, strong: YamlNode): YamlNode {
  if (weak.kind !== 'map' || strong.kind !== 'map') return strong;
  const stronger = new Map(strong.entries.map((entry) => [entry.key.text, entry]));
  const common = weak.entries.map((entry): YamlEntry => {
    const own = stronger.get(entry.key.text);
    stronger.delete(entry.key.text);
    return own === undefined ? entry : { key: own.key, value: merge(entry.value, own.value) };
  });
  return { ...strong, entries: [...stronger.values(), ...common] };
}
