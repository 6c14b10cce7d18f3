import { afterAll, beforeEach } from 'vitest';
import { FakeS3 } from './fake-s3.ts';

/** Keys for commands that are to reach it. */
export const FAKE_KEYS = {
  AWS_ACCESS_KEY_ID: 'AKFAKE',
  AWS_SECRET_ACCESS_KEY: 'very-secret',
  AWS_REGION: 'us-east-1',
};

/** A fake S3 for a file of tests: without faults, requests or anything in its bucket `test` before each, and stopped after all. */
export async function useFakeS3(): Promise<FakeS3> {
  const fake = await FakeS3.start();
  beforeEach(() => {
    fake.calm();
    fake.buckets.set('test', new Map());
    fake.uploads.clear();
  });
  afterAll(() => fake.stop());
  return fake;
}
