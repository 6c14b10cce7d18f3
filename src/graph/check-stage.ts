import { grainOfShift } from '../model/moment.ts';
import { grainsNest, isFiner, parseLabel, type Grain } from '../model/period.ts';
import { invalid } from '../model/problem.ts';
import { isWithin } from '../model/repo-path.ts';
import type { Dep, Stage, StageId } from '../model/stage.ts';
import { checkCommand } from './check-command.ts';
import { checkMatrix } from './check-matrix.ts';
import { checkWindow } from './check-window.ts';
import { findCollisions } from './out-collisions.ts';
import { stageFault, type StageFault } from './stage-fault.ts';
import { brings, rolesOf, timeGrain, type Column, type StageRoles } from './stage-roles.ts';

export type { StageFault };

/**
 * Every definition error of one stage that needs no file to be seen (concepts 1.2; names are checked where they are
 * read). All problems have exit 2. Microseconds.
 */
export function checkStage(stage: Stage): readonly StageFault[] {
  const checks = [checkOuts, checkForms, checkNesting, checkDeps, checkMatrix, checkBringing, checkCommand];
  const faults: StageFault[] = [];
  for (const check of checks) faults.push(...check(stage));
  return faults;
}

/**
 * Outs that the definitions prove to write one path, of one stage or two; reported at the later one. Whether a capture's
 * values happen to collide is seen only when they do.
 */
export function checkProducers(
  stages: readonly Stage[],
): readonly (StageFault & { readonly stage: StageId })[] {
  return findCollisions(stages).map(({ stage, out, other }) => ({
    stage: stage.id,
    field: ['outs', out.name],
    problem: invalid(
      'two-producers',
      `out ${out.name} of stage ${stage.id} (${out.pattern.source}) and out ${other.out.name} of stage ${other.stage.id} ` +
        `(${other.out.pattern.source}) write the same path`,
      'Give each a file or folder of its own, or list different values for them in matrix.',
    ),
  }));
}

function checkOuts(stage: Stage): StageFault[] {
  const { datum } = rolesOf(stage);
  return stage.outs.flatMap(({ name, pattern }) => {
    const fault = (code: string, fact: string, cure: string): StageFault =>
      stageFault(stage, ['outs', name], { code, fact: `out ${name} (${pattern.source}) ${fact}`, cure });
    if (pattern.wildcard) {
      return fault(
        'out-wildcard',
        'has a wildcard',
        'Write a folder per datum instead: parts/{date:%Y-%m-%d}/',
      );
    }
    if (isWithin(pattern.home, '.datawf'))
      return fault('out-reserved', 'lies in .datawf', 'Write to another folder.');
    const lacking = datum.filter((column) => !pattern.captures.includes(column.name));
    if (lacking.length > 0) {
      const names = lacking.map((column) => `{${column.name}}`).join(', ');
      return fault(
        'out-captures',
        `lacks ${names} of the other outs`,
        'Every out has all captures of all outs.',
      );
    }
    const other = datum.find((column) => pattern.times.get(column.name) !== column.grain);
    if (other === undefined) return [];
    const own = pattern.times.get(other.name) ?? 'no time';
    return fault(
      'out-captures',
      `has ${other.name} by ${own}, another out by ${other.grain ?? 'no time'}`,
      'Write a time at one grain in all outs; a coarser one is a stage of its own.',
    );
  });
}

function checkForms(stage: Stage): StageFault[] {
  const plain = new Set(
    stage.outs.flatMap(({ pattern }) => pattern.captures.filter((name) => !pattern.times.has(name))),
  );
  const faults: StageFault[] = [];
  for (const { name: dep, pattern } of stage.deps) {
    for (const name of pattern.captures) {
      if (!pattern.times.has(name)) {
        if (timeGrain(stage, name) === undefined) plain.add(name);
        else faults.push(mixedFault(stage, dep, name));
      } else if (plain.has(name)) faults.push(mixedFault(stage, dep, name));
    }
  }
  return faults;
}

function mixedFault(stage: Stage, dep: string, name: string): StageFault {
  return stageFault(stage, ['deps', dep], {
    code: 'mixed-capture',
    fact: `{${name}} of dep ${dep} is a time in one pattern and plain text in another`,
    cure: `Give it a format everywhere, like {${name}:%Y-%m-%d}, or rename one of them.`,
  });
}

function checkNesting(stage: Stage): StageFault[] {
  const first = new Map<string, { grain: Grain; place: string }>();
  const faults: StageFault[] = [];
  for (const field of ['outs', 'deps'] as const) {
    for (const { name: holder, pattern } of stage[field]) {
      const place = `${field.slice(0, -1)} ${holder}`;
      for (const [name, grain] of pattern.times) {
        const other = first.get(name);
        if (other === undefined) first.set(name, { grain, place });
        else if (!grainsNest(grain, other.grain)) {
          faults.push(
            stageFault(stage, [field, holder], {
              code: 'grains-dont-nest',
              fact: `{${name}} is a ${grain} in ${place} and a ${other.grain} in ${other.place}, which don't nest`,
              cure: "Formats of one capture in a stage must nest (weeks and months don't): use days in one of them.",
            }),
          );
        }
      }
    }
  }
  return faults;
}

function checkDeps(stage: Stage): StageFault[] {
  const { datum, deps } = rolesOf(stage);
  return deps.flatMap((role) => [...unknownCaptures(stage, role.dep, datum), ...checkWindow(stage, role)]);
}

function unknownCaptures(stage: Stage, dep: Dep, datum: readonly Column[]): StageFault[] {
  return dep.pattern.captures
    .filter((name) => !datum.some((column) => column.name === name) && !stage.matrix.has(name))
    .map((name) =>
      stageFault(stage, ['deps', dep.name], {
        code: 'unknown-capture',
        fact: `"${name}" of dep ${dep.name} is neither in the outs nor in matrix`,
        cure: `Use * where any ${name} will do, or put {${name}} into the outs.`,
      }),
    );
}

function checkBringing(stage: Stage): StageFault[] {
  const roles = rolesOf(stage);
  return roles.datum.flatMap((column) => {
    if (isListed(stage, column) || roles.deps.some((role) => brings(roles, role, column.name))) return [];
    const out = stage.outs.find(({ pattern }) => pattern.captures.includes(column.name));
    return stageFault(stage, ['outs', out?.name ?? ''], {
      code: 'unbound-capture',
      fact: `nothing brings values of {${column.name}} in the outs: ${whyUnbound(stage, roles, column)}`,
      cure: `List them in matrix, or put {${column.name}} into a required dep without window.`,
    });
  });
}

/** Its values are listed at the datum's grain or finer; a matrix that doesn't fit the capture is reported elsewhere. */
function isListed(stage: Stage, { name, grain }: Column): boolean {
  const item = stage.matrix.get(name);
  if (item === undefined) return false;
  const listed = item.kind === 'range' ? grainOfShift(item.every) : parseLabel(item.values[0] ?? '')?.grain;
  return grain === undefined || listed === undefined || !isFiner(grain, listed);
}

function whyUnbound(stage: Stage, { deps, datum }: StageRoles, { name }: Column): string {
  const holders = deps.filter(({ dep }) => dep.pattern.captures.includes(name));
  const wanted = datum.find((column) => column.name === name)?.grain;
  const coarse = holders.find(
    ({ shared }) => shared.find((column) => column.name === name)?.grain !== wanted,
  );
  if (coarse !== undefined)
    return `dep ${coarse.dep.name} has it by ${coarse.dep.pattern.times.get(name) ?? 'text'} only`;
  const window = holders.find(({ dep }) => dep.window !== undefined);
  if (window !== undefined) return `dep ${window.dep.name} has a window, which brings no datums into being`;
  const [holder] = holders;
  if (holder !== undefined) return `dep ${holder.dep.name} is optional, which adds files, never datums`;
  return stage.matrix.has(name) ? 'matrix has it coarser' : 'no dep and no matrix has it';
}
