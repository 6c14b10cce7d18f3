import { parentOf, type RepoPath } from '../model/repo-path.ts';
import type { Stage } from '../model/stage.ts';
import { stageId } from '../model/stage-name.ts';
import { parseDuration } from '../util/quantity.ts';
import { choiceOf, fieldsOf, flagOf, parsedOf, reject, textOf, wholeOf, type Field } from './fields.ts';
import type { Findings } from './findings.ts';
import { readMatrix } from './matrix-field.ts';
import { readResources } from './resources-field.ts';
import { readCmd, readCode, readDeps, readEnv, readOuts, readParams, readSecrets } from './stage-fields.ts';
import { checkNames } from './stage-names.ts';
import { isNothing, toPlain, type YamlEntry, type YamlMap, type YamlNode } from './yaml-node.ts';

/** Fields of a stage, and of `defaults`. */
export const STAGE_FIELDS = [
  'desc',
  'cmd',
  'code',
  'deps',
  'outs',
  'params',
  'env',
  'secrets',
  'image',
  'matrix',
  'on_code_change',
  'always',
  'sandbox',
  'frozen',
  'retries',
  'timeout',
  'resources',
  'schedule_timeout',
  'pod_patch',
] as const;

/** Where a stage stands. */
export interface StageSource {
  readonly findings: Findings;
  readonly file: RepoPath;
  readonly name: string;
  readonly line: number;
  /** The stage's map, `defaults` merged in. */
  readonly node: YamlNode;
}

/** One stage; undefined where its findings leave nothing to go on with. */
export function readStage({ findings, file, name, line, node }: StageSource): Stage | undefined {
  const id = stageId(file, name);
  const base = parentOf(file);
  const whole: Field = { findings, node, what: `stage ${id}` };
  const fields = fieldsOf(whole, STAGE_FIELDS);
  if (node.kind !== 'map') return undefined;
  const [deps, outs] = [readDeps(fields.get('deps'), base), readOuts(fields.get('outs'), base)];
  const cmd = readCmd(fields.get('cmd'));
  if (!fields.has('cmd')) reject(whole, `stage ${id} has no cmd`, 'Add cmd: what it runs.');
  const stage: Stage = {
    id,
    name,
    base,
    file,
    line,
    desc: textOf(fields.get('desc')),
    cmd: cmd ?? '',
    code: readCode(fields.get('code'), base),
    deps,
    outs,
    params: readParams(fields.get('params'), base),
    env: readEnv(fields.get('env')),
    secrets: readSecrets(fields.get('secrets')),
    image: parsedOf(
      fields.get('image'),
      parseImage,
      'Write an image reference such as registry.example.org/py:3.12.',
    ),
    matrix: readMatrix(fields.get('matrix'), { deps, outs }),
    onCodeChange: choiceOf(fields.get('on_code_change'), ['rerun', 'keep']) ?? 'rerun',
    always: flagOf(fields.get('always')) ?? false,
    sandbox: choiceOf(fields.get('sandbox'), ['none', 'full']) ?? 'full',
    frozen: flagOf(fields.get('frozen')) ?? false,
    retries: wholeOf(fields.get('retries'), 0) ?? 0,
    timeoutSeconds: readDuration(fields.get('timeout')),
    resources: readResources(fields.get('resources')),
    scheduleTimeoutSeconds: readDuration(fields.get('schedule_timeout')),
    podPatch: readPodPatch(fields.get('pod_patch')),
  };
  checkNames(findings, stage, node);
  return stage;
}

/** A stage with what `defaults` add: maps merge by name, one level deep; of anything else the stage's own counts. */
export function mergeDefaults(defaults: YamlMap | undefined, own: YamlNode): YamlNode {
  if (defaults === undefined || own.kind !== 'map') return own;
  const entries = new Map<string, YamlEntry>(defaults.entries.map((entry) => [entry.key.text, entry]));
  for (const entry of own.entries)
    entries.set(entry.key.text, mergeEntry(entries.get(entry.key.text), entry));
  return { ...own, entries: [...entries.values()] };
}

function mergeEntry(usual: YamlEntry | undefined, own: YamlEntry): YamlEntry {
  if (usual?.value.kind !== 'map' || own.value.kind !== 'map') return own;
  const entries = new Map(
    [...usual.value.entries, ...own.value.entries].map((entry) => [entry.key.text, entry]),
  );
  return { key: own.key, value: { ...own.value, entries: [...entries.values()] } };
}

function parseImage(text: string): string | undefined {
  return /^\S+$/.test(text) ? text : undefined;
}

function readDuration(field: Field | undefined): number | undefined {
  const positive = (text: string): number | undefined => parseDuration(text) || undefined;
  return parsedOf(field, positive, 'Write a duration with its unit, such as 90s, 10m or 1h30m.');
}

function readPodPatch(field: Field | undefined): unknown {
  if (field === undefined) return undefined;
  if (field.node.kind === 'map') return toPlain(field.node);
  return void reject(field, `${field.what} takes a map, not ${isNothing(field.node) ? 'nothing' : 'this'}`);
}
