import { formatListing } from '../formats/tree-text.ts';
import type { Digest } from '../model/digest.ts';
import type { ResultRecord } from '../model/result.ts';
import type { AttemptOutcome } from '../run/runner.ts';
import { digestHex } from '../util/blake3.ts';
import type { PreparedDatum } from './datums.ts';
import type { LoopLink } from './loop-link.ts';

type Failed = Extract<AttemptOutcome, { state: 'failed' }>;

/** A failure without secrets in its words; without the names of files where the loop can't be asked any more. */
export async function masked(outcome: Failed, link: LoopLink): Promise<Failed> {
  const { message, hint, paths, ...rest } = outcome;
  const hints = hint === undefined ? [] : [hint];
  const texts = await link.mask([message, ...hints, ...(paths ?? [])]);
  if (texts === undefined) return { ...rest, message: `the command failed (${outcome.code})` };
  const names = texts.slice(1 + hints.length);
  return {
    ...rest,
    message: texts[0] ?? '',
    ...(hint === undefined ? {} : { hint: texts[1] ?? '' }),
    ...(paths === undefined ? {} : { paths: names }),
  };
}

/** The result of a datum that ended well. */
export function resultOf(
  { task }: PreparedDatum,
  outcome: AttemptOutcome,
  { run, made }: Pick<ResultRecord, 'run' | 'made'>,
): ResultRecord | undefined {
  if (outcome.state !== 'ok') return undefined;
  const { outs, usage } = outcome;
  return {
    input: task.input,
    result: digestHex(formatListing(outs)) as Digest,
    outs,
    made,
    run,
    seconds: (usage.ended - usage.started) / 1000,
    ...(task.deps === undefined ? {} : { deps: task.deps }),
  };
}
