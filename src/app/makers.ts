import type { History } from '../history/history.ts';
import type { DatumRow } from '../model/datum.ts';
import type { Digest } from '../model/digest.ts';
import type { BlamedRun } from '../model/history-report.ts';
import { Problem } from '../model/problem.ts';
import type { ResultRecord } from '../model/result.ts';
import type { RunRecord } from '../model/run-record.ts';
import { mirrorResults } from '../store/mirror.ts';
import { openResults, type Results, type ResultSource } from '../store/results.ts';
import type { AppContext } from './ports.ts';
import { warnUnreachable } from './store-scopes.ts';

/** Finds out what is known of the runs behind rows; each thing is read once. */
export interface Makers {
  /** The result that a row names; undefined where no store here has it any more. */
  resultOf(row: DatumRow): Promise<ResultRecord | undefined>;
  runOf(run: string): Promise<BlamedRun>;
  /** The newest run that put the result of a row in place, if its record is there. `path` is one of its files. */
  placedBy(stage: string, row: DatumRow, path: string): Promise<BlamedRun | undefined>;
}

export function openMakers(ctx: AppContext, history: History): Makers {
  const here = new Map<Digest, Promise<readonly Results[]>>();
  const elsewhere = new Map<Digest, Promise<readonly Results[]>>();
  const runs = new Map<string, Promise<BlamedRun>>();
  const look = async (
    of: (code: Digest) => Promise<readonly Results[]>,
    { code, input, result }: DatumRow,
  ): Promise<ResultRecord | undefined> => {
    if (code === undefined || input === undefined || result === undefined) return undefined;
    for (const each of await of(code)) {
      const found = each.findResult(input, result);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const runOf = (run: string): Promise<BlamedRun> => {
    let found = runs.get(run);
    if (found === undefined) runs.set(run, (found = readRun(history, run)));
    return found;
  };
  return {
    runOf,
    resultOf: async (row) =>
      (await look(
        once(here, (code) => openHere(ctx, code)),
        row,
      )) ??
      (await look(
        once(elsewhere, (code) => openElsewhere(ctx, code)),
        row,
      )),
    placedBy: async (stage, row, path) => {
      for (const run of await history.listRuns({ stage, path })) {
        const rows = await history.readRows(run.id, { stage, datum: row.captures });
        if (rows.some(({ how, result }) => how !== 'vanished' && result === row.result))
          return blamedRun(run);
      }
      return undefined;
    },
  };
}

function once<Value>(
  known: Map<Digest, Promise<Value>>,
  ask: (code: Digest) => Promise<Value>,
): (code: Digest) => Promise<Value> {
  return (code) => {
    const answer = known.get(code) ?? ask(code);
    known.set(code, answer);
    return answer;
  };
}

/** What the run cache has of a code half: the local store's, then what was read of others. */
async function openHere(ctx: AppContext, code: Digest): Promise<readonly Results[]> {
  const stores: ResultSource[] = [ctx.store];
  if (ctx.config.stores.size > 0) stores.push(...(await ctx.remotes()).read.map(({ kept }) => kept));
  return await Promise.all(stores.map((store) => openResults(store, code)));
}

/** What the stores of the branch have of it; of one that can't be asked nothing. */
async function openElsewhere(ctx: AppContext, code: Digest): Promise<readonly Results[]> {
  if (ctx.config.stores.size === 0) return [];
  const found: Results[] = [];
  for (const { name, store, kept } of (await ctx.remotes()).read) {
    try {
      found.push(await openResults(mirrorResults(store, kept), code));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      warnUnreachable(ctx, name, error);
    }
  }
  return found;
}

async function readRun(history: History, run: string): Promise<BlamedRun> {
  try {
    return blamedRun(await history.readRun(run));
  } catch (error) {
    // Nobody has it, or who might can't be asked.
    if (error instanceof Problem) return { run, recorded: false };
    throw error;
  }
}

function blamedRun(run: RunRecord): BlamedRun {
  const { name, mail } = run.user;
  return {
    run: run.id,
    recorded: true,
    kind: run.kind,
    start: new Date(run.start).toISOString(),
    user: mail === '' ? name : `${name} <${mail}>`,
    host: run.process.host,
    branch: run.branch === '' ? null : run.branch,
    commit: run.commit === '' ? null : run.commit,
    dirty: run.dirty,
    argv: run.argv,
  };
}
