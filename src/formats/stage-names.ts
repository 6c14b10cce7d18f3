import type { Stage } from '../model/stage.ts';
import type { Findings } from './findings.ts';
import { entryOf, isNothing, valueOf, type YamlMap, type YamlNode } from './yaml-node.ts';

/** Names of deps, outs, captures, env and secrets. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A name that becomes a variable of the command, with where it was written. */
interface Use {
  readonly name: string;
  readonly as: string;
  readonly at: number;
}

/** Checks that the names of a stage are names, unique, and none of those that the command gets anyway. */
export function checkNames(findings: Findings, stage: Stage, node: YamlMap): void {
  const seen = new Map<string, Use>();
  for (const use of usesOf(stage, node)) {
    const other = seen.get(use.name);
    if (!NAME.test(use.name)) {
      findings.add(
        use.at,
        `stage ${stage.id} has the ${use.as} ${JSON.stringify(use.name)}, which is no name`,
        'Names are letters, digits and _, and begin with no digit.',
      );
    } else if (isTaken(use.name)) {
      findings.add(
        use.at,
        `stage ${stage.id} can't have the ${use.as} ${use.name}: datawf sets that variable itself`,
        'Choose another name; PATH, HOME, TMPDIR and DATAWF_… are taken.',
      );
    } else if (other === undefined) {
      seen.set(use.name, use);
    } else if (other.as !== 'capture' || use.as !== 'capture') {
      findings.add(
        use.at,
        `stage ${stage.id} uses the name ${use.name} twice: for the ${other.as} and the ${use.as}`,
        'Rename one of them: each is a variable of the command.',
      );
    }
  }
}

function isTaken(name: string): boolean {
  return name === 'PATH' || name === 'HOME' || name === 'TMPDIR' || name.startsWith('DATAWF_');
}

function* usesOf(stage: Stage, node: YamlMap): Generator<Use> {
  yield* keysOf(node, 'deps', 'dep');
  yield* keysOf(node, 'outs', 'out');
  yield* keysOf(node, 'env', 'env');
  for (const item of itemsOf(node, 'secrets')) {
    if (item.kind === 'text' && !isNothing(item)) yield { name: item.text, as: 'secret', at: item.at };
  }
  yield* keysOf(node, 'matrix', 'capture');
  for (const field of ['outs', 'deps'] as const) {
    for (const { name, pattern } of stage[field]) {
      const at = entryOf(valueOf(node, field), name)?.value.at ?? node.at;
      for (const capture of pattern.captures) yield { name: capture, as: 'capture', at };
    }
  }
  const params = new Set<string>();
  for (const { file, key, variable } of stage.params) {
    if (params.has(`${file}:${key}`)) continue;
    params.add(`${file}:${key}`);
    const written = itemsOf(node, 'params').find((item) => item.kind === 'text' && item.text.endsWith(key));
    yield { name: variable, as: `param ${key}`, at: written?.at ?? node.at };
  }
}

function* keysOf(node: YamlMap, field: string, as: string): Generator<Use> {
  const map = valueOf(node, field);
  if (map?.kind !== 'map') return;
  for (const { key } of map.entries) yield { name: key.text, as, at: key.at };
}

function itemsOf(node: YamlMap, field: string): readonly YamlNode[] {
  const list = valueOf(node, field);
  return list?.kind === 'list' ? list.items : [];
}
