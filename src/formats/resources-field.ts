import type { Resources } from '../model/stage.ts';
import { parseBytes, parseCores } from '../util/quantity.ts';
import { entriesOf, fieldsOf, itemsOf, parsedOf, reject, wholeOf, type Field } from './fields.ts';

/** What a stage that says nothing gets. */
const NO_RESOURCES: Resources = {
  cpu: undefined,
  memory: [],
  disk: undefined,
  gpu: undefined,
  limit: new Map(),
};

const SIZE = 'Write a size such as 512Mi or 2Gi.';

/** `resources` of a stage. */
export function readResources(field: Field | undefined): Resources {
  if (field === undefined) return NO_RESOURCES;
  const form = fieldsOf(field, ['cpu', 'memory', 'disk', 'gpu', 'limit']);
  return {
    cpu: parsedOf(form.get('cpu'), positive(parseCores), 'Write cores, such as 2, 0.5 or 500m.'),
    memory: readMemory(form.get('memory')),
    disk: parsedOf(form.get('disk'), positive(parseBytes), SIZE),
    gpu: wholeOf(form.get('gpu'), 0),
    limit: readLimits(form.get('limit')),
  };
}

function readMemory(field: Field | undefined): readonly number[] {
  if (field === undefined) return [];
  const rungs = field.node.kind === 'list' ? (itemsOf(field) ?? []) : [field];
  const sizes = rungs.flatMap((rung) => parsedOf(rung, positive(parseBytes), SIZE) ?? []);
  if (sizes.some((size, index) => index > 0 && size <= (sizes[index - 1] ?? 0))) {
    reject(
      field,
      `${field.what} is a ladder that doesn't rise`,
      'Each size must be larger than the one before: [2Gi, 4Gi].',
    );
  }
  return sizes;
}

/** Pools and numbers: `limit` of a stage's resources, `limits` of the configuration. */
export function readLimits(field: Field | undefined): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  if (field === undefined) return limits;
  for (const { name, at, value } of entriesOf(field)) {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
      field.findings.add(
        at,
        `${JSON.stringify(name)} in ${field.what} is no name`,
        'Use letters, digits, _ and -.',
      );
    }
    const number = wholeOf(value, 1);
    if (number !== undefined) limits.set(name, number);
  }
  return limits;
}

function positive(parse: (text: string) => number | undefined): (text: string) => number | undefined {
  return (text) => {
    const value = parse(text);
    return value !== undefined && value > 0 ? value : undefined;
  };
}
