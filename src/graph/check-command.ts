import type { Stage } from '../model/stage.ts';
import { didYouMean } from '../util/suggest.ts';
import { stageFault, type StageFault } from './stage-fault.ts';

/** Variables that every command sees besides those of its own stage (concepts 1.3). */
const ALWAYS = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LC_ALL', 'PYTHONDONTWRITEBYTECODE', 'DATAWF_INPUTS'];

/** Items of a list command that are exactly `$name` must name something: no shell is there to make them empty. */
export function checkCommand(stage: Stage): StageFault[] {
  if (typeof stage.cmd === 'string') return [];
  const known = new Set([
    ...ALWAYS,
    ...stage.deps.flatMap(({ name }) => [name, `DATAWF_INPUTS_${name}`]),
    ...stage.outs.flatMap(({ name, pattern }) => [name, ...pattern.captures]),
    ...stage.params.map(({ variable }) => variable),
    ...stage.env.keys(),
    ...stage.secrets,
  ]);
  return stage.cmd.flatMap((item, index) => {
    const name = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(item)?.[1];
    if (name === undefined || known.has(name)) return [];
    return stageFault(stage, ['cmd', index], {
      code: 'unknown-variable',
      fact: `$${name} of cmd is no dep, out, capture, param, env or secret of the stage`,
      cure: didYouMean(name, known) ?? 'Declare it, or write cmd as one text, which a shell reads.',
    });
  });
}
