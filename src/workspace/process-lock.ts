export interface LockRequest {
  /** `<git dir>/datawf/lock`. */
  readonly file: string;
  /** What the others are told: `datawf repro clean`. */
  readonly command: string;
  /** Milliseconds since 1970; for messages only. */
  readonly now: () => number;
  /** How long to wait for another holder, ms. Default 3000. */
  readonly patience?: number;
  /** Called once when it starts to wait. */
  readonly onWait?: (holder: LockHolder) => void;
  readonly signal?: AbortSignal;
}

/** Who holds the lock. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly command: string;
  /** Start, ISO 8601 in UTC. */
  readonly since: string;
}

/** Held until `release`, or until the process ends in any way. */
export interface ProcessLock {
  release(): void;
}

/** Makes this the one writing command of a work tree. A lock whose process is dead is taken over. Throws `locked` (exit 6) naming the holder. */
export function acquireLock(request: LockRequest): Promise<ProcessLock> {
  throw new Error(`not written yet: ${request.file}`);
}

/** The lock if nobody holds it, without waiting. */
export function tryLock(request: LockRequest): ProcessLock | undefined {
  throw new Error(`not written yet: ${request.file}`);
}
