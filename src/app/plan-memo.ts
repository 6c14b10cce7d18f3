import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomic } from '../disk/atomic-file.ts';
import type { StageReport } from '../model/report.ts';
import type { AppContext } from './ports.ts';

/** What `status` says of a stage that nothing changed for. */
export type MemoReport = Pick<StageReport, 'datums' | 'deps' | 'waiting' | 'codeVersions'>;

/** What was found of a stage when nothing in it needed work. */
export interface MemoEntry {
  /** Digest of everything that the finding rests on. */
  readonly key: string;
  readonly report: MemoReport;
}

/**
 * Stages that were current when last looked at, by id; so that a no-op costs the stats of the files and not the datums.
 * Only a cache: losing it costs a full plan.
 */
export interface PlanMemo {
  get(stage: string): MemoEntry | undefined;
  set(stage: string, entry: MemoEntry): void;
  /** Writes what changed; best effort. */
  save(): void;
}

const VERSION = 2;

export function openMemo(ctx: AppContext): PlanMemo {
  const file = join(ctx.workspace.gitDir, 'datawf', 'index', 'plan.json');
  const entries = readEntries(file);
  let changed = false;
  return {
    get: (stage) => entries.get(stage),
    set: (stage, entry) => {
      if (entries.get(stage)?.key === entry.key) return;
      entries.set(stage, entry);
      changed = true;
    },
    save: () => {
      if (!changed) return;
      try {
        writeAtomic(file, JSON.stringify({ version: VERSION, stages: Object.fromEntries(entries) }));
      } catch {
        // A full or read-only disk costs the next command a full plan, nothing more.
      }
    },
  };
}

function readEntries(file: string): Map<string, MemoEntry> {
  try {
    const document = JSON.parse(readFileSync(file, 'utf8')) as {
      version?: number;
      stages?: Record<string, MemoEntry>;
    };
    return document.version === VERSION
      ? new Map(Object.entries(document.stages ?? {}))
      : new Map<string, MemoEntry>();
  } catch {
    return new Map<string, MemoEntry>();
  }
}
