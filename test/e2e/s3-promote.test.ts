import { describe } from 'vitest';
import { CLUSTER_S3 } from '../rig/real-s3.ts';
import { describePromote } from './promote-story.ts';
import { onS3 } from './world.ts';

describe.skipIf(CLUSTER_S3 === undefined)('promote between prefixes of a real S3', () => {
  describePromote(onS3);
});
