import { grainOfShift } from '../model/moment.ts';
import { grainsNest, parseLabel, type Grain } from '../model/period.ts';
import type { MatrixItem, Stage } from '../model/stage.ts';
import { stageFault, type FaultText, type StageFault } from './stage-fault.ts';
import { timeGrain } from './stage-roles.ts';

/** Faults of a stage's matrix: captures that no pattern has, ranges of plain text, items that can't be values. */
export function checkMatrix(stage: Stage): StageFault[] {
  return [...stage.matrix].flatMap(([name, item]) => {
    const text = checkItem(stage, name, item);
    return text === undefined ? [] : [stageFault(stage, ['matrix', name], text)];
  });
}

function checkItem(stage: Stage, name: string, item: MatrixItem): FaultText | undefined {
  const patterns = [...stage.outs, ...stage.deps].map(({ pattern }) => pattern);
  if (!patterns.some(({ captures }) => captures.includes(name))) {
    return bad(
      `matrix has ${name}, but no out and no dep has {${name}}`,
      `Put {${name}} into the outs, or delete it.`,
    );
  }
  const grain = timeGrain(stage, name);
  if (grain === undefined) return checkPlain(stage, name, item);
  const listed = item.kind === 'range' ? grainOfShift(item.every) : grainOfItems(name, item.values);
  if (typeof listed !== 'string') return listed;
  const other = patterns
    .map(({ times }) => times.get(name))
    .find((own) => own !== undefined && !grainsNest(own, listed));
  if (other === undefined) return undefined;
  return {
    code: 'grains-dont-nest',
    fact: `matrix lists ${name} by ${listed}, a pattern has it by ${other}, and these don't nest`,
    cure: "Formats of one capture in a stage must nest (weeks and months don't): use days in one of them.",
  };
}

function grainOfItems(name: string, values: readonly string[]): Grain | FaultText {
  let grain: Grain | undefined;
  for (const value of values) {
    const period = parseLabel(value);
    if (period === undefined) {
      return bad(
        `${JSON.stringify(value)} of matrix ${name} is no time`,
        'Write ISO labels: 2024, 2024-05, 2024-W18, 2024-05-01.',
      );
    }
    if (grain !== undefined && period.grain !== grain) {
      return bad(`matrix ${name} lists a ${grain} and a ${period.grain}`, 'List periods of one length.');
    }
    grain = period.grain;
  }
  return grain ?? bad(`matrix ${name} lists nothing`, 'List values, or delete it.');
}

function checkPlain(stage: Stage, name: string, item: MatrixItem): FaultText | undefined {
  if (item.kind === 'range') {
    return bad(
      `matrix ${name} is a range, but {${name}} is no time`,
      `List its values, or write {${name}:%Y-%m-%d} in the patterns.`,
    );
  }
  const odd = item.values.find((value) => value === '' || /[/\\\p{Cc}]/u.test(value));
  if (odd !== undefined) {
    return bad(
      `${JSON.stringify(odd)} of matrix ${name} can't be part of one name`,
      'Values have no / or backslash, and are not empty.',
    );
  }
  for (const { pattern } of stage.outs) {
    for (const token of pattern.tokens) {
      if (token.kind !== 'value' || token.name !== name || token.width === undefined) continue;
      const { width } = token;
      const misfit = item.values.find((value) => Array.from(value).length !== width);
      if (misfit === undefined) continue;
      return bad(
        `${JSON.stringify(misfit)} of matrix ${name} is not ${width} characters long, as {${name}:${width}} says`,
        'Write values of that width, or {' + name + '}.',
      );
    }
  }
  return undefined;
}

function bad(fact: string, cure: string): FaultText {
  return { code: 'bad-matrix', fact, cure };
}
