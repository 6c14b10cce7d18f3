import { describe } from 'vitest';
import { describeAdopt } from './adopt-story.ts';
import { onDisk } from './world.ts';

describe('adopt a folder', () => {
  describeAdopt(onDisk);
});
