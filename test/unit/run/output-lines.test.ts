import { describe, expect, it } from 'vitest';
import { createMask } from '../../../src/run/mask.ts';
import { createOutputLines, type OutputLimits } from '../../../src/run/output-lines.ts';
import type { LogLine } from '../../../src/run/runner.ts';

function collect(
  chunks: readonly (string | Uint8Array)[],
  limits?: OutputLimits,
): { texts: string[]; tail: string } {
  const lines: LogLine[] = [];
  const output = createOutputLines({
    mask: createMask(['hush']),
    log: (line) => lines.push(line),
    now: () => 7,
    ...(limits === undefined ? {} : { limits }),
  });
  for (const chunk of chunks) output.write('err', Buffer.from(chunk));
  output.end();
  return { texts: lines.map((line) => line.text), tail: output.stderrTail() };
}

describe('output as lines', () => {
  it('joins chunks and ends lines at line feeds, with or without carriage return', () => {
    expect(collect(['a', 'b\r\nc\n\nlast']).texts).toEqual(['ab', 'c', '', 'last']);
  });

  it('joins characters that chunks split', () => {
    const bytes = Buffer.from('Grüße 🌦\n');
    expect(collect([...bytes].map((byte) => Uint8Array.of(byte))).texts).toEqual(['Grüße 🌦']);
  });

  it('masks a secret across chunks, in the tail too', () => {
    expect(collect(['x hu', 'sh y\n'])).toEqual({ texts: ['x *** y'], tail: 'x *** y\n' });
  });

  it('masks what opens a signed URL', () => {
    const url = 'https://s3/a?X-Amz-Date=20240101T000000Z&X-Amz-Security-Token=abc%2F&X-Amz-Signature=';
    const masked = url.replace('abc%2F', '***');
    expect(collect([url, '12ef\n'])).toEqual({ texts: [`${masked}***`], tail: `${masked}***\n` });
  });

  it('cuts a line that does not end', () => {
    const { texts } = collect(['x'.repeat(40_000)]);
    expect(texts.map((text) => text.length)).toEqual([16_384, 16_384, 7_232]);
  });

  it('keeps the beginning and the last lines of an output that is too long, and counts the rest', () => {
    const chunks = Array.from({ length: 100 }, (_, index) => `line ${index}\n`);
    const { texts } = collect(chunks, { head: 24, tail: 24 });
    expect(texts).toEqual([
      'line 0',
      'line 1',
      'line 2',
      '[datawf: 94 lines left out]',
      'line 97',
      'line 98',
      'line 99',
    ]);
  });

  it('keeps the last 2 KiB of stderr, from a whole character on', () => {
    const { tail } = collect(['ü'.repeat(3_000) + '!']);
    expect(tail).toBe('ü'.repeat(1_023) + '!');
  });
});
