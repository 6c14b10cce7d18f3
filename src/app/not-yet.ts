import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import type { DatumPlan } from './datum-plan.ts';
import type { AppContext } from './ports.ts';
import type { AttemptOutcome } from '../run/runner.ts';
import type { StageState } from './stage-state.ts';

/**
 * Datums whose last attempt said "not yet" (exit 75) under the key that they still have: `status` tells them as waiting, and
 * `repro` tries them again. Only a memory of this work tree: losing it shows them as out of date until then.
 */
export interface NotYet {
  /** When a datum whose inputs are settled was last asked (epoch milliseconds); undefined where it wasn't under its present key. */
  asked(datum: DatumPlan<StageState>): number | undefined;
  /** Notes how the last attempt of a datum ended. */
  see(datum: DatumPlan<StageState>, state: AttemptOutcome['state']): void;
  /** Writes what changed; best effort. */
  save(): void;
}

/** Code half, input half, time. */
type Note = readonly [code: string, input: string, time: number];

const VERSION = 1;

export function openNotYet(ctx: AppContext): NotYet {
  const file = join(ctx.workspace.gitDir, 'datawf', 'index', 'not-yet.json');
  const notes = readNotes(file);
  let changed = false;
  return {
    asked: (datum) => {
      const [code, input, time] = notes.get(nameOf(datum)) ?? [];
      return code === datum.stage.code && input === datum.input ? time : undefined;
    },
    see: (datum, state) => {
      const name = nameOf(datum);
      if (state === 'waiting' && datum.input !== undefined) {
        notes.set(name, [datum.stage.code, datum.input, ctx.around.now()]);
        changed = true;
      } else changed = notes.delete(name) || changed;
    },
    save: () => {
      if (!changed) return;
      try {
        writeAtomic(file, JSON.stringify({ version: VERSION, datums: Object.fromEntries(notes) }));
      } catch {
        // A full or read-only disk: status shows them as out of date, and they are tried all the same.
      }
    },
  };
}

function nameOf(datum: DatumPlan<StageState>): string {
  return `${datum.stage.id} ${datum.id}`;
}

function readNotes(file: string): Map<string, Note> {
  try {
    const document = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly version?: number;
      readonly datums?: Readonly<Record<string, Note>>;
    };
    return document.version === VERSION
      ? new Map(Object.entries(document.datums ?? {}))
      : new Map<string, Note>();
  } catch {
    return new Map<string, Note>();
  }
}
