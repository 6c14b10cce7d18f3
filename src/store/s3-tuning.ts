/** How a store in a bucket works: figures that tests and odd networks change. */
export interface S3Tuning {
  /** Requests at once. */
  readonly sockets: number;
  /** Milliseconds that a connection may take. */
  readonly connectMs: number;
  /** Milliseconds without a byte in either direction, after which a request is tried again. */
  readonly idleMs: number;
  /** Tries of one request, the first included. */
  readonly attempts: number;
  /** Bytes from which a file goes up in parts. */
  readonly partsFrom: number;
  /** Bytes of a part; more where a file would have over 10,000. */
  readonly partBytes: number;
  /** Bytes of a range of a large download. */
  readonly rangeBytes: number;
  /** Bytes of a part of a copy within the service; what is larger than one part can be is copied so. */
  readonly copyBytes: number;
  /** Bytes of bodies in memory at once, together. */
  readonly memoryBytes: number;
}

const MIB = 1 << 20;

export const DEFAULTS: S3Tuning = {
  sockets: 64,
  connectMs: 10_000,
  idleMs: 60_000,
  attempts: 8,
  partsFrom: 64 * MIB,
  partBytes: 16 * MIB,
  rangeBytes: 16 * MIB,
  copyBytes: 512 * MIB,
  memoryBytes: 96 * MIB,
};
