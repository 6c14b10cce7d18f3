import type { Place } from '../model/problem.ts';
import type { RepoPath } from '../model/repo-path.ts';
import type { Stage, StageId } from '../model/stage.ts';
import { isStageName, stageId } from '../model/stage-name.ts';
import { didYouMean } from '../util/suggest.ts';
import { fieldsOf, parsedOf, type Field } from './fields.ts';
import { collectFindings, problemOf, type Findings } from './findings.ts';
import { mergeDefaults, readStage, STAGE_FIELDS } from './pipeline-stage.ts';
import { lineCounter, placeAt } from './source-text.ts';
import { parseYaml } from './yaml-document.ts';
import type { YamlEntry, YamlMap, YamlNode } from './yaml-node.ts';

/** What one `datawf.yaml` says. */
export interface PipelineFile {
  readonly file: RepoPath;
  readonly zone: string | undefined;
  /** In the order of the file, `defaults` merged in. */
  readonly stages: readonly Stage[];
  /**
   * Line, column and excerpt of a field by its names in the text, such as `['deps', 'raw', 'window']`; of what holds it
   * where it is absent; of the file where it has no such stage.
   */
  place(stage: StageId, field: readonly (string | number)[]): Place;
}

/**
 * The stages of a `datawf.yaml` (formats 2.4); an empty text has none. Throws one Problem `invalid-pipeline` (exit 2) for
 * all that is wrong: the first with its place, the others as details; `merge-conflict` for conflict markers. What patterns
 * mean together is checked by `graph/check-stage`. Cost: 50 µs a stage; unusual YAML (anchors, folded texts) ten times that.
 */
export function parsePipelineFile(text: string, file: RepoPath): PipelineFile {
  const findings = collectFindings({ file, text });
  const root = parseYaml({ file, text, code: 'invalid-pipeline' });
  const fields =
    root === undefined
      ? new Map<string, Field>()
      : fieldsOf({ findings, node: root, what: file }, ['zone', 'defaults', 'stages']);
  const defaults = readDefaults(fields.get('defaults'));
  const zone = parsedOf(fields.get('zone'), parseZone, zoneCure(fields.get('zone')));
  const written = readEntries(findings, fields.get('stages'), defaults);
  const lineOf = lineCounter(text);
  const stages = written.flatMap(
    ({ key, value }) =>
      readStage({ findings, file, name: key.text, line: lineOf(key.at), node: value }) ?? [],
  );
  if (findings.list.length > 0) throw problemOf('invalid-pipeline', findings);
  const byId = new Map(written.map((entry) => [stageId(file, entry.key.text), entry]));
  return {
    file,
    zone,
    stages,
    place: (stage, field) => {
      const entry = byId.get(stage);
      return entry === undefined ? { file } : placeAt({ file, text }, offsetOf(entry, field));
    },
  };
}

function readEntries(
  findings: Findings,
  field: Field | undefined,
  defaults: YamlMap | undefined,
): readonly YamlEntry[] {
  if (field === undefined) return [];
  if (field.node.kind !== 'map') {
    fieldsOf(field, []);
    return [];
  }
  return field.node.entries.flatMap(({ key, value }) => {
    if (isStageName(key.text)) return [{ key, value: mergeDefaults(defaults, value) }];
    findings.add(
      key.at,
      `${JSON.stringify(key.text)} is no stage name`,
      'Stage names are lowercase letters, digits, - and _, and begin with a letter or digit.',
    );
    return [];
  });
}

function readDefaults(field: Field | undefined): YamlMap | undefined {
  if (field === undefined) return undefined;
  fieldsOf(field, STAGE_FIELDS);
  if (field.node.kind !== 'map') return undefined;
  const known: readonly string[] = STAGE_FIELDS;
  return { ...field.node, entries: field.node.entries.filter((entry) => known.includes(entry.key.text)) };
}

function parseZone(text: string): string | undefined {
  if (text === 'UTC') return text;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone === ''
      ? undefined
      : text;
  } catch {
    return undefined;
  }
}

function zoneCure(field: Field | undefined): string {
  const cure = 'Name a zone of the IANA list, such as UTC or Europe/Vienna.';
  if (field?.node.kind !== 'text' || parseZone(field.node.text) !== undefined) return cure;
  return didYouMean(field.node.text, Intl.supportedValuesOf('timeZone')) ?? cure;
}

function offsetOf(entry: YamlEntry, field: readonly (string | number)[]): number {
  let key = entry.key.at;
  let node: YamlNode = entry.value;
  for (const part of field) {
    if (node.kind === 'map') {
      const below: YamlEntry | undefined = node.entries.find((candidate) => candidate.key.text === part);
      if (below === undefined) break;
      key = below.key.at;
      node = below.value;
    } else if (node.kind === 'list' && typeof part === 'number' && node.items[part] !== undefined) {
      node = node.items[part];
      key = node.at;
    } else break;
  }
  return node.kind === 'text' || node.flow ? node.at : key;
}
