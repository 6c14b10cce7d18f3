import type { Digest } from './digest.ts';

/**
 * One line of a stage's datum table: the last good result of one datum. A row that was never good has no halves and no
 * result; a row marked failed keeps those of its last good result.
 */
export interface DatumRow {
  readonly state: 'ok' | 'failed';
  /** Digest of the input half of the key behind the result. */
  readonly input: Digest | undefined;
  /** Digest of the code half of the key behind the result. */
  readonly code: Digest | undefined;
  /** Digest of the output listing's text. */
  readonly result: Digest | undefined;
  /** The datum's canonical name (`capturesText`): `date=2024-01-03&station=a`, or `-` for no captures. */
  readonly captures: string;
}
