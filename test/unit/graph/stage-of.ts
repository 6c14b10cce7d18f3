import { parseShift } from '../../../src/model/moment.ts';
import { parsePattern } from '../../../src/model/pattern.ts';
import type { RepoPath } from '../../../src/model/repo-path.ts';
import type { Dep, MatrixItem, Shift, Stage, StageId } from '../../../src/model/stage.ts';

/** A dep in short: its pattern alone, or with what the YAML has. */
export type DepText =
  | string
  | { readonly path: string; readonly optional?: boolean; readonly window?: readonly [string, string] };

/** A matrix item in short: a list, or since, until and every. */
export type MatrixText = readonly string[] | { since: string; until: string; every: string };

export interface StageText {
  readonly name?: string;
  readonly deps?: Readonly<Record<string, DepText>>;
  readonly outs?: Readonly<Record<string, string>>;
  readonly matrix?: Readonly<Record<string, MatrixText>>;
}

/** A stage with these deps, outs and matrix and nothing else. */
export function stageOf({ name = 'work', deps = {}, outs = {}, matrix = {} }: StageText): Stage {
  return {
    id: name as StageId,
    name,
    base: '',
    file: 'datawf.yaml' as RepoPath,
    line: 1,
    desc: undefined,
    cmd: 'true',
    code: [],
    deps: Object.entries(deps).map(([key, text]) => depOf(key, text)),
    outs: Object.entries(outs).map(([key, text]) => ({
      name: key,
      pattern: parsePattern(text, ''),
      optional: false,
    })),
    params: [],
    env: new Map(),
    secrets: [],
    image: undefined,
    matrix: new Map(Object.entries(matrix).map(([key, text]) => [key, itemOf(text)])),
    onCodeChange: 'rerun',
    always: false,
    sandbox: 'full',
    frozen: false,
    retries: 0,
    timeoutSeconds: undefined,
    resources: { cpu: undefined, memory: [], disk: undefined, gpu: undefined, limit: new Map() },
    scheduleTimeoutSeconds: undefined,
    podPatch: undefined,
  };
}

/** The shift that a text means. */
function shiftOf(text: string): Shift {
  const shift = parseShift(text);
  if (shift === undefined) throw new Error(`${text} is no shift`);
  return shift;
}

function depOf(name: string, text: DepText): Dep {
  const { path, optional = false, window } = typeof text === 'string' ? { path: text } : text;
  return {
    name,
    pattern: parsePattern(path, ''),
    optional,
    window: window === undefined ? undefined : [shiftOf(window[0]), shiftOf(window[1])],
    access: 'file',
  };
}

function itemOf(text: MatrixText): MatrixItem {
  if (!('since' in text)) return { kind: 'list', values: text };
  return { kind: 'range', since: text.since, until: text.until, every: shiftOf(text.every) };
}
