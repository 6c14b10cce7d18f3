import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import { editYaml, type YamlEdit } from '../formats/yaml-edit.ts';
import type { PlainValue } from '../formats/yaml-node.ts';
import { invalid, notFound, refused } from '../model/problem.ts';
import { joinPath, parentOf, repoPath, type RepoPath } from '../model/repo-path.ts';
import type { StageEdit, StageListing } from '../model/setup-report.ts';
import type { Stage } from '../model/stage.ts';
import { didYouMean } from '../util/suggest.ts';
import type { AppContext } from './ports.ts';
import { loadProject, workTreeFiles } from './project.ts';

/** A stage to write; deps and outs as typed, `name=pattern`. */
export interface AddStageRequest {
  readonly name: string;
  readonly cmd: string | readonly string[];
  readonly deps: readonly string[];
  readonly outs: readonly string[];
  readonly code: readonly string[];
  readonly params: readonly string[];
  readonly desc: string | undefined;
  readonly image: string | undefined;
  /** The `datawf.yaml` to write to, relative to the current folder; the nearest one without it. */
  readonly file: string | undefined;
  /** Replace a stage of that name. */
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** Stages to edit: names or globs. */
export interface StagesRequest {
  readonly stages: readonly string[];
  readonly dryRun: boolean;
}

/** Writes a stage into a `datawf.yaml`, and refuses one that wouldn't be valid there. */
export function addStage(context: AppContext, request: AddStageRequest): StageEdit {
  const file = request.file === undefined ? nearestFile(context) : typedFile(context, request.file);
  const text = readText(context, file) ?? '';
  const there = loadStages(context).some((stage) => stage.file === file && stage.name === request.name);
  if (there && !request.force) {
    throw refused(
      'stage-exists',
      `${file} has a stage "${request.name}" already`,
      'Edit it there, or replace it with --force.',
    );
  }
  const value = stageValue(request);
  const edited = edit(context, {
    file,
    text,
    edits: [{ path: ['stages', request.name], value }],
    dryRun: request.dryRun,
  });
  const added = editYaml({ text: '', file, code: 'invalid-pipeline' }, { path: [request.name], value });
  return { file, stages: [request.name], dryRun: request.dryRun, text: edited === text ? '' : added };
}

/** Takes stages out of their files. What they wrote stays until the next `repro`. */
export function removeStages(context: AppContext, request: StagesRequest): StageEdit {
  return editStages(context, request, (stage) => ({ path: ['stages', stage.name], value: undefined }));
}

/** Keeps stages from running. */
export function freeze(context: AppContext, request: StagesRequest): StageEdit {
  return editStages(context, request, (stage) =>
    stage.frozen ? undefined : { path: ['stages', stage.name, 'frozen'], value: true },
  );
}

/** Lets frozen stages run again. */
export function unfreeze(context: AppContext, request: StagesRequest): StageEdit {
  return editStages(context, request, (stage) =>
    stage.frozen ? { path: ['stages', stage.name, 'frozen'], value: undefined } : undefined,
  );
}

/** All stages as defined, in the order of their files. */
export function listStages(context: AppContext): readonly StageListing[] {
  return loadStages(context).map((stage) => ({
    stage: stage.id,
    desc: stage.desc ?? null,
    file: stage.file,
    line: stage.line,
    cmd: stage.cmd,
    deps: Object.fromEntries(stage.deps.map((dep) => [dep.name, dep.pattern.source])),
    outs: Object.fromEntries(stage.outs.map((out) => [out.name, out.pattern.source])),
    frozen: stage.frozen,
  }));
}

function editStages(
  context: AppContext,
  request: StagesRequest,
  editOf: (stage: Stage) => YamlEdit | undefined,
): StageEdit {
  const chosen = chooseStages(loadStages(context), request.stages);
  const files = [...new Set(chosen.map((stage) => stage.file))];
  const done: string[] = [];
  for (const file of files) {
    const edits: YamlEdit[] = [];
    for (const stage of chosen.filter((one) => one.file === file)) {
      const wanted = editOf(stage);
      if (wanted === undefined) continue;
      edits.push(wanted);
      done.push(stage.id);
    }
    edit(context, { file, text: readText(context, file) ?? '', edits, dryRun: request.dryRun });
  }
  return { file: files.join(', '), stages: done, dryRun: request.dryRun };
}

/** Stages that names or globs mean. Throws `no-stage` (exit 4) for one that means none. */
function chooseStages(stages: readonly Stage[], words: readonly string[]): readonly Stage[] {
  const chosen = new Set<Stage>();
  for (const word of words) {
    const pattern = word
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    const fitting = stages.filter((stage) => new RegExp(`^${pattern}$`).test(stage.id));
    if (fitting.length === 0) {
      const hint =
        didYouMean(
          word,
          stages.map((stage) => stage.id),
        ) ?? 'See: datawf stage list';
      throw notFound('no-stage', `there is no stage "${word}"`, hint);
    }
    for (const stage of fitting) chosen.add(stage);
  }
  return [...chosen];
}

interface FileEdit {
  readonly file: RepoPath;
  readonly text: string;
  readonly edits: readonly YamlEdit[];
  readonly dryRun: boolean;
}

/** Makes edits, checks the whole project as it would be, and writes the file. Answers the new text. */
function edit(context: AppContext, { file, text, edits, dryRun }: FileEdit): string {
  const edited = edits.reduce(
    (before, one) => editYaml({ text: before, file, code: 'invalid-pipeline' }, one),
    text,
  );
  if (edited === text) return edited;
  const tracked = workTreeFiles(context.workspace);
  const pipelines = tracked.pipelines.includes(file) ? tracked.pipelines : [...tracked.pipelines, file];
  loadProject({ ...tracked, pipelines, read: (path) => (path === file ? edited : tracked.read(path)) });
  if (!dryRun) writeAtomic(join(context.workspace.root, file), edited);
  return edited;
}

function loadStages(context: AppContext): readonly Stage[] {
  return loadProject(workTreeFiles(context.workspace)).pipeline.stages;
}

function readText(context: AppContext, file: RepoPath): string | undefined {
  const absolute = join(context.workspace.root, file);
  return existsSync(absolute) ? readFileSync(absolute, 'utf8') : undefined;
}

function nearestFile(context: AppContext): RepoPath {
  for (let folder = context.workspace.prefix; ; folder = parentOf(folder)) {
    const file = joinPath(folder, 'datawf.yaml');
    if (folder === '' || existsSync(join(context.workspace.root, file))) return file;
  }
}

function typedFile(context: AppContext, typed: string): RepoPath {
  const folder = context.workspace.prefix;
  const file = repoPath(
    folder === '' ? typed.replace(/^\.\//, '') : `${folder}/${typed.replace(/^\.\//, '')}`,
  );
  if (file !== 'datawf.yaml' && !file.endsWith('/datawf.yaml')) {
    throw invalid('bad-file', `stages are written in files named datawf.yaml, and this is ${file}`);
  }
  return file;
}

function stageValue(request: AddStageRequest): PlainValue {
  const { desc, image, cmd, code, params } = request;
  return {
    ...(desc === undefined ? {} : { desc }),
    ...(image === undefined ? {} : { image }),
    cmd,
    ...(code.length === 0 ? {} : { code }),
    ...(params.length === 0 ? {} : { params }),
    ...(request.deps.length === 0 ? {} : { deps: named(request.deps, 'dep') }),
    ...(request.outs.length === 0 ? {} : { outs: named(request.outs, 'out') }),
  };
}

function named(words: readonly string[], kind: 'dep' | 'out'): PlainValue {
  const pairs = words.map((word): [string, string] => {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/.exec(word);
    if (match?.[1] === undefined || match[2] === undefined) {
      throw invalid(
        'bad-option',
        `--${kind} ${word} has no name`,
        `Write --${kind} NAME=PATTERN; the command gets it as $NAME.`,
      );
    }
    return [match[1], match[2]];
  });
  return Object.fromEntries(pairs);
}
