import { expect, it } from 'vitest';
import { redactArgv } from '../../../src/history/redact.ts';

it.each([
  [
    ['repro', '--token', 'abc'],
    ['repro', '--token', '***'],
  ],
  [
    ['--api-key=abc', 'DB_PASSWORD=x'],
    ['--api-key=***', 'DB_PASSWORD=***'],
  ],
  [
    ['clone', 'https://ada:pw@example.org/x'],
    ['clone', 'https://ada:***@example.org/x'],
  ],
  [['s3://b/k?X-Amz-Signature=abc&x=1'], ['s3://b/k?X-Amz-Signature=***&x=1']],
  [
    ['accept', 'clean', '-m', 'ghp_0123456789012345678901'],
    ['accept', 'clean', '-m', '***'],
  ],
  [
    ['--token', '--force'],
    ['--token', '--force'],
  ],
  [
    ['repro', 'clean', '--since', '2024-01-01'],
    ['repro', 'clean', '--since', '2024-01-01'],
  ],
])('%j is recorded as %j', (argv, expected) => {
  expect(redactArgv(argv)).toEqual(expected);
});
