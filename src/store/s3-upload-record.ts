import { hash } from 'node:crypto';
import { appendFileSync, readFileSync, rmSync, type Stats } from 'node:fs';
import { writeAtomic } from '../disk/atomic-file.ts';

/** Which upload of which file. */
export interface UploadFacts {
  readonly endpoint: string;
  readonly bucket: string;
  readonly key: string;
  readonly partBytes: number;
  readonly stat: Stats;
}

/** A part that the server has. */
export interface SentPart {
  readonly number: number;
  readonly etag: string;
  readonly bytes: number;
}

/** Uploads are taken up again within this time; what lists objects reckons with a day (`s3-list.ts`). */
const FRESH_MS = 20 * 3_600_000;

/**
 * A file that remembers how far an upload in parts came, so that the next process goes on: one line about the upload,
 * then one a part. It counts for the very same source file only, by size, mtime and inode.
 */
export class UploadRecord {
  readonly uploadId: string;
  readonly partBytes: number;
  /** Whether it is young enough to go on with. */
  readonly isFresh: boolean;
  readonly #file: string;
  #parts: Map<number, SentPart>;

  private constructor(
    file: string,
    head: RecordHead,
    facts: { readonly isFresh: boolean; parts: SentPart[] },
  ) {
    this.#file = file;
    this.uploadId = head.uploadId;
    this.partBytes = head.partBytes;
    this.isFresh = facts.isFresh;
    this.#parts = new Map(facts.parts.map((part) => [part.number, part]));
  }

  /** The record of an earlier process; undefined where there is none that can be read. */
  static read(folder: string, facts: UploadFacts, now: number): UploadRecord | undefined {
    const file = fileOf(folder, facts);
    const lines = readLines(file);
    const head = lines[0] as RecordHead | undefined;
    if (typeof head?.uploadId !== 'string' || typeof head.begun !== 'number') return undefined;
    const isSame = head.source === sourceOf(facts.stat) && head.partBytes === facts.partBytes;
    const isFresh = isSame && now - head.begun < FRESH_MS && head.begun <= now;
    return new UploadRecord(file, head, { isFresh, parts: lines.slice(1) as SentPart[] });
  }

  static create(
    folder: string,
    facts: UploadFacts & { readonly uploadId: string },
    now: number,
  ): UploadRecord {
    const file = fileOf(folder, facts);
    const { uploadId, partBytes, stat } = facts;
    const head: RecordHead = { uploadId, partBytes, source: sourceOf(stat), begun: now };
    writeAtomic(file, `${JSON.stringify(head)}\n`);
    return new UploadRecord(file, head, { isFresh: true, parts: [] });
  }

  /** In order. */
  get parts(): readonly SentPart[] {
    return [...this.#parts.values()].sort((a, b) => a.number - b.number);
  }

  has(number: number): boolean {
    return this.#parts.has(number);
  }

  add(number: number, etag: string, bytes: number): void {
    const part: SentPart = { number, etag, bytes };
    this.#parts.set(number, part);
    appendFileSync(this.#file, `${JSON.stringify(part)}\n`);
  }

  /** Forgets parts that the server doesn't list as they were sent (`number etag size`, without quotes); false where it lists nothing. */
  keepOnly(listed: ReadonlySet<string> | undefined): boolean {
    if (listed === undefined) return false;
    const kept = this.parts.filter(({ number, etag, bytes }) =>
      listed.has(`${number} ${etag.replaceAll('"', '')} ${bytes}`),
    );
    this.#parts = new Map(kept.map((part) => [part.number, part]));
    return true;
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }
}

interface RecordHead {
  readonly uploadId: string;
  readonly partBytes: number;
  readonly source: string;
  /** Epoch milliseconds. */
  readonly begun: number;
}

function fileOf(folder: string, { endpoint, bucket, key }: UploadFacts): string {
  return `${folder}/s3-upload-${hash('sha256', `${endpoint}\n${bucket}\n${key}`, 'hex').slice(0, 32)}.ndjson`;
}

function sourceOf(stat: Stats): string {
  return `${stat.size} ${stat.mtimeMs} ${stat.ino}`;
}

/** Lines as far as they are whole: the last one of a killed process may not be. */
function readLines(file: string): unknown[] {
  const found: unknown[] = [];
  try {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (line !== '') found.push(JSON.parse(line));
    }
  } catch {
    // What was read so far counts.
  }
  return found;
}
