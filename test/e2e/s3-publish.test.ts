import { describe } from 'vitest';
import { CLUSTER_S3 } from '../rig/real-s3.ts';
import { describePublish } from './publish-story.ts';
import { onS3 } from './world.ts';

describe.skipIf(CLUSTER_S3 === undefined)('publish to a prefix of a real S3', () => {
  describePublish(onS3);
});
