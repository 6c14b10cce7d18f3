import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/** Ends running commands when this process is gone, also after `kill -9`. */
export interface Warden {
  /** A process group begins; the function says that it has ended. */
  guard(group: number): () => void;
  close(): void;
}

/**
 * Reads `+ group` and `- group` until the pipe ends, which it does when the writer dies; then kills those left. `set --`
 * keeps the groups, since sh has no lists.
 */
export const WARDEN_SCRIPT = `set --
while read -r sign group; do
  if [ "$sign" = + ]; then set -- "$@" "$group"; continue; fi
  rest=
  for one in "$@"; do [ "$one" = "$group" ] || rest="$rest $one"; done
  set -- $rest
done
for one in "$@"; do kill -KILL "-$one" 2>/dev/null; done`;

/**
 * One small shell in a session of its own, started with the first command and held by a pipe. Costs one spawn per run and
 * two writes per command (0.02 ms); commands in groups of their own would otherwise outlive a killed datawf.
 */
export function createWarden(): Warden {
  let pipe: Writable | undefined;
  const tell = (line: string): void => {
    pipe ??= startWarden();
    if (pipe.writable) pipe.write(line);
  };
  return {
    guard: (group) => {
      tell(`+ ${group}\n`);
      return () => tell(`- ${group}\n`);
    },
    close: () => void pipe?.end(),
  };
}

function startWarden(): Writable {
  const child = spawn('/bin/sh', ['-c', WARDEN_SCRIPT], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  });
  // Without it nothing is lost but the guard itself: sandboxes left behind are cleaned at the next start.
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  (child.stdin as Writable & { unref?: () => void }).unref?.();
  return child.stdin;
}
