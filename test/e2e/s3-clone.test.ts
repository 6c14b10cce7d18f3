import { describe, expect, test } from 'vitest';
import { CLUSTER_S3 } from '../rig/real-s3.ts';
import { describeClone } from './clone-story.ts';
import { onS3 } from './world.ts';

describe.skipIf(CLUSTER_S3 === undefined)('clone of a prefix of a real S3', () => {
  describeClone(onS3);

  test('recover.sh of the bucket needs a shell and curl, and an older one is replaced', async () => {
    const world = await onS3();
    const { story } = world;
    story.write('.datawf/config.yaml', `stores: {only: ${world.store('prod')}}\n`);
    story.write('raw/a.csv', 'a\n');
    story.write('raw/b/run.sh', 'echo\n', 0o755);
    await story.succeed('add', 'raw');
    await story.succeed('push');
    const script = await world.read('prod', 'recover.sh');
    await world.write('prod', 'recover.sh', '#!/bin/sh\nexit 1\n');
    await story.git('clone', '--quiet', '.', '../other');
    story.write('../other/.datawf/config.yaml', story.read('.datawf/config.yaml'));
    story.write('../other/x', 'x\n');
    await story.datawf(['add', 'x'], { cwd: '../other' });
    expect(await story.datawf(['push'], { cwd: '../other' })).toMatchObject({ code: 0 });
    expect(await world.read('prod', 'recover.sh')).toBe(script);
    await story.succeed('add', 'raw');
    await story.succeed('push');

    story.write('../recover.sh', script);
    const env = { AWS_ENDPOINT_URL: CLUSTER_S3?.endpoint ?? '' };
    const result = await story.run(['sh', '../recover.sh', world.url('prod'), 'main', '../out'], { env });
    expect(result.code, result.stderr).toBe(0);
    expect(story.texts('../out/raw')).toEqual(['a.csv: a', 'b/run.sh: echo']);
  });
});
