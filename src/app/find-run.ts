import type { History } from '../history/history.ts';
import { notFound, Problem } from '../model/problem.ts';
import type { RunRecord } from '../model/run-record.ts';

/** The run of an id, a unique prefix of one, or `last`. */
export async function readRunNamed(history: History, id: string): Promise<RunRecord> {
  if (id !== 'last') return await history.readRun(id);
  const [newest] = await history.listRuns({ limit: 1 });
  if (newest === undefined)
    throw notFound(
      'no-run',
      'there is no run yet',
      'A run is recorded when "datawf repro" has something to do.',
    );
  return newest;
}

/** The run that a word names, or undefined where it may be a stage or a path. */
export async function findRun(history: History, word: string): Promise<RunRecord | undefined> {
  if (word !== 'last' && !/^[0-9A-HJKMNP-TV-Z]{4,26}$/i.test(word)) return undefined;
  try {
    return await readRunNamed(history, word);
  } catch (error) {
    if (error instanceof Problem && error.code === 'no-run') return undefined;
    throw error;
  }
}
