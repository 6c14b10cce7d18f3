/*
 * What datawf and its command host say to each other over pipes: frames of a type (1 byte), the command's number and the
 * payload's length (4 bytes each, little-endian), and the payload.
 */

/** Types of frames; the payload behind each. */
export const FRAME = {
  /** To the host: JSON of a `HostedCommand`. */
  start: 1,
  /** To the host: empty. */
  cancel: 2,
  /** From the host: the process group, as text. */
  started: 3,
  /** From the host: bytes. */
  out: 4,
  err: 5,
  /** From the host: JSON of a `HostedEnd`. */
  end: 6,
} as const;

export interface Frame {
  readonly type: number;
  readonly command: number;
  readonly payload: Buffer;
}

const HEADER = 9;

/** A frame as bytes. */
export function frameBytes(type: number, command: number, payload: Uint8Array | string): Buffer {
  const size = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength;
  const bytes = Buffer.allocUnsafe(HEADER + size);
  bytes[0] = type;
  bytes.writeUInt32LE(command, 1);
  bytes.writeUInt32LE(size, 5);
  if (typeof payload === 'string') bytes.write(payload, HEADER);
  else bytes.set(payload, HEADER);
  return bytes;
}

/** Cuts what comes through a pipe into frames; the function takes chunks in order. A payload is valid during the call only. */
export function frameReader(take: (frame: Frame) => void): (chunk: Buffer) => void {
  let held: Buffer = Buffer.alloc(0);
  return (chunk) => {
    let bytes = held.byteLength === 0 ? chunk : Buffer.concat([held, chunk]);
    while (bytes.byteLength >= HEADER) {
      const end = HEADER + bytes.readUInt32LE(5);
      if (bytes.byteLength < end) break;
      take({ type: bytes[0] ?? 0, command: bytes.readUInt32LE(1), payload: bytes.subarray(HEADER, end) });
      bytes = bytes.subarray(end);
    }
    held = bytes;
  };
}
