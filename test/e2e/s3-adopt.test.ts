import { describe } from 'vitest';
import { CLUSTER_S3 } from '../rig/real-s3.ts';
import { describeAdopt } from './adopt-story.ts';
import { onS3 } from './world.ts';

describe.skipIf(CLUSTER_S3 === undefined)('adopt a prefix of a real S3', () => {
  describeAdopt(onS3);
});
