import type { Host } from './host.ts';
import type { Wish } from './signals.ts';

/** Asks at the terminal what Ctrl-C meant; undefined where nobody can answer. */
export function askWish(host: Host): (() => Promise<Wish>) | undefined {
  const { stderr } = host;
  const stdin = stderr.isTTY ? host.stdin?.() : undefined;
  if (stdin?.isTTY !== true) return undefined;
  return async () => {
    const { createInterface } = await import('node:readline');
    const reader = createInterface({ input: stdin, output: stderr });
    try {
      const answer = await new Promise<string>((resolve) => {
        reader.on('SIGINT', () => resolve('c'));
        reader.on('close', () => resolve('d'));
        reader.question(
          '\nJobs are running: (c)ancel them, (d)etach and leave them running, or Enter to go on? ',
          resolve,
        );
      });
      const [first = ''] = answer.trim().toLowerCase();
      return first === 'c' ? 'cancel' : first === 'd' ? 'detach' : 'stay';
    } finally {
      reader.close();
    }
  };
}
