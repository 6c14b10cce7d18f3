import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readParam, type ParamValue } from '../formats/params-file.ts';
import { codeHalf, type CodeHalf } from '../graph/key.ts';
import type { StageNode } from '../graph/graph.ts';
import type { FileEntry } from '../model/file-entry.ts';
import { invalid, notFound, type Place, type Problem } from '../model/problem.ts';
import type { Stage } from '../model/stage.ts';
import { codeFiles } from '../workspace/code-files.ts';
import { fileCacheOf } from './file-cache.ts';
import type { AppContext } from './ports.ts';
import type { Project } from './project.ts';

/** What a stage's command gets that is the same for all its datums, and the code half of its keys. */
export interface StageFacts {
  readonly half: CodeHalf;
  /** Files of `code`, by repository path. */
  readonly code: readonly FileEntry[];
  /** Resolved `env` and params as variables; null: `env: {A: }` without a value here. */
  readonly variables: Readonly<Record<string, string | null>>;
}

/** Facts of the given stages; one look at code files and params for all of them. */
export async function gatherFacts(
  ctx: AppContext,
  nodes: readonly StageNode[],
  { files: pipelines }: Pick<Project, 'files'>,
): Promise<ReadonlyMap<StageNode, StageFacts>> {
  const placeOf: PlaceOf = (stage, field) =>
    pipelines.get(stage.file)?.place(stage.id, field) ?? { file: stage.file, line: stage.line };
  const entries = nodes.flatMap((node) => node.stage.code);
  const files = await codeFiles({
    root: ctx.workspace.root,
    cacheFile: fileCacheOf(ctx),
    git: ctx.git,
    code: entries,
    signal: ctx.signal,
  });
  files.save();
  const params = paramReader(ctx, placeOf);
  const environment = await ctx.environment();
  const envOf = (name: string): string | null => environment?.env.get(name) ?? ctx.around.env[name] ?? null;
  const facts = new Map<StageNode, StageFacts>();
  for (const node of nodes) {
    const { stage } = node;
    const code = uniqueFiles(
      stage.code.flatMap((entry, index) => {
        const found = files.of(entry);
        if (found.length === 0) throw noCode(stage, entry.path).at(placeOf(stage, ['code', index]));
        return found;
      }),
    );
    const env = Object.fromEntries([...stage.env].map(([name, value]) => [name, value ?? envOf(name)]));
    const values = stage.params.map((param) => ({ param, value: params(stage, param.file, param.key) }));
    const half = codeHalf(stage, {
      env,
      params: Object.fromEntries(
        values.map(({ param, value }) => [`${param.file}:${param.key}`, value.json]),
      ),
      code,
    });
    const variables = {
      ...env,
      ...Object.fromEntries(values.map(({ param, value }) => [param.variable, value.text])),
    };
    facts.set(node, { half, code, variables });
  }
  return facts;
}

/** The variables of a stage that is about to run; throws `no-env` (exit 2) where one has no value. */
export function runVariables(stage: Stage, facts: StageFacts): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(facts.variables)) {
    if (value === null) {
      throw invalid(
        'no-env',
        `stage ${stage.id} takes ${name} from its environment, and it has no value here`,
        `Set it: ${name}=… datawf repro, or under environments.<name>.env in .datawf/config.yaml`,
      );
    }
    variables[name] = value;
  }
  return variables;
}

/** The secrets of a stage, from the caller; throws `no-secret` (exit 2). */
export function runSecrets(ctx: AppContext, stage: Stage): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const name of stage.secrets) {
    const value = ctx.around.env[name];
    if (value === undefined) {
      throw invalid(
        'no-secret',
        `stage ${stage.id} needs the secret ${name}, and the caller doesn't set it`,
        `Set it: ${name}=… datawf repro`,
      );
    }
    secrets[name] = value;
  }
  return secrets;
}

type PlaceOf = (stage: Stage, field: readonly (string | number)[]) => Place;

function noCode(stage: Stage, path: string): Problem {
  return notFound(
    'no-code',
    `the code ${path} of stage ${stage.id} isn't there`,
    'Check the path (it is relative to the file that names it), or restore it: git checkout',
  );
}

function uniqueFiles(files: readonly FileEntry[]): FileEntry[] {
  return [...new Map(files.map((file) => [file.path, file])).values()];
}

function paramReader(
  ctx: AppContext,
  placeOf: PlaceOf,
): (stage: Stage, file: string, key: string) => ParamValue {
  const texts = new Map<string, string>();
  return (stage, file, key) => {
    let text = texts.get(file);
    if (text === undefined) {
      try {
        text = readFileSync(join(ctx.workspace.root, file), 'utf8');
      } catch {
        throw notFound(
          'no-params',
          `the params file ${file} of stage ${stage.id} isn't there`,
          `Create it, or take ${key} out of params`,
        ).at(placeOf(stage, ['params']));
      }
      texts.set(file, text);
    }
    return readParam(text, file, key);
  };
}
