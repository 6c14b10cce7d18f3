import { describe } from 'vitest';
import { describePromote } from './promote-story.ts';
import { onDisk } from './world.ts';

describe('promote between folders', () => {
  describePromote(onDisk);
});
