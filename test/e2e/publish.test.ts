import { describe } from 'vitest';
import { describePublish } from './publish-story.ts';
import { onDisk } from './world.ts';

describe('publish to a folder', () => {
  describePublish(onDisk);
});
