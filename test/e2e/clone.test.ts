import { describe } from 'vitest';
import { describeClone } from './clone-story.ts';
import { onDisk } from './world.ts';

describe('clone of a folder', () => {
  describeClone(onDisk);
});
