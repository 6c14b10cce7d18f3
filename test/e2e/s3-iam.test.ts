import { describe, expect, test } from 'vitest';
import type { Check, DoctorReport } from '../../src/model/setup-report.ts';
import type { S3Manifest } from '../../src/model/manifest-report.ts';
import {
  allowPerson,
  contentBelow,
  guardBucket,
  IAM,
  openBucket,
  openPerson,
  type Person,
} from '../rig/people.ts';
import { CLUSTER_S3, type RealS3 } from '../rig/real-s3.ts';
import { expectSchema } from '../rig/schemas.ts';
import type { Result } from './rig.ts';
import { openStory, readRepro, type Problem, type Story } from './story.ts';

const PIPELINE = `
stages:
  clean:
    cmd: cat "$raw" MOOD > "$clean"
    deps: {raw: "raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "clean/{date:%Y-%m-%d}.csv"}
`;

interface World {
  readonly story: Story;
  readonly server: RealS3;
  /** What their env manifest grants them. */
  readonly production: Person;
  readonly tester: Person;
  /** Production's prefix, with the digests of what lies there. */
  readonly content: () => Promise<Readonly<Record<string, string>>>;
  readonly as: (person: Person, ...args: readonly string[]) => ReturnType<Story['datawf']>;
}

/** A project that production has pushed, whose people have the rights that `env manifest` prints, on a branch of its own. */
async function openWorld(given: RealS3): Promise<World> {
  const server = await openBucket(given);
  const story = await openStory();
  // What no key knows of, so that a branch can have another result than production.
  story.pipeline(PIPELINE.replace('MOOD', story.path('../mood')));
  story.write('../mood', 'fine');
  const store = (prefix: string): string =>
    `{url: "s3://${server.bucket}/${prefix}", endpoint: "${server.endpoint}", path_style: true}`;
  story.write(
    '.datawf/config.yaml',
    `stores:
  production: ${store('weather/main')}
  trial: ${store('weather/branches/{branch}')}
environments:
  production: {branches: [main], write: production}
  test: {branches: ["**"], write: trial, read: [production]}
`,
  );
  for (const day of ['01', '02']) story.write(`raw/2024-01-${day}.csv`, `row ${day}\n`);
  const [production, tester] = [openPerson(server, 'production'), openPerson(server, 'tester')];
  const printed = await story.succeed(
    'env',
    'manifest',
    '--part',
    's3',
    '--json',
    '--writer',
    production.arn,
  );
  const manifest = printed.json<S3Manifest>();
  expectSchema('env-manifest', manifest);
  for (const { environment, document } of manifest.policies)
    allowPerson(server, environment === 'production' ? production : tester, document);
  for (const policy of manifest.buckets) await guardBucket(server, policy);
  const as: World['as'] = (person, ...args) => story.datawf(args, { env: person.env });
  await story.succeed('add', 'raw');
  await story.succeed('repro');
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  wasDone(await as(production, 'push'));
  await story.git('switch', '--quiet', '-c', 'try');
  const content = (): ReturnType<World['content']> => contentBelow(server, 'weather/main/');
  return { story, server, production, tester, content, as };
}

function wasDone({ code, stderr }: Result): void {
  expect(code, stderr).toBe(0);
}

const errorOf = (stderr: string): Problem =>
  JSON.parse(stderr.split('\n').findLast((line) => line.startsWith('{"error"')) ?? '{}') as Problem;

describe.skipIf(CLUSTER_S3 === undefined || IAM === undefined)(
  'people with the rights that env manifest prints',
  { timeout: 180_000 },
  () => {
    const given = CLUSTER_S3 ?? { endpoint: '', bucket: '', env: {} };

    test('a branch reads production, works under its own prefix, and clears it', async () => {
      const { story, tester, content, as, server } = await openWorld(given);
      const before = await content();
      story.write('raw/2024-01-03.csv', 'row 03\n');
      await story.succeed('repro');
      await story.git('commit', '--quiet', '-am', 'a day more');
      wasDone(await as(tester, 'push'));
      const clone = await story.run([
        'git',
        'clone',
        '--quiet',
        '--branch',
        'try',
        story.root,
        story.path('../clone'),
      ]);
      expect(clone.code).toBe(0);
      const inClone = (...args: readonly string[]): ReturnType<Story['datawf']> =>
        story.datawf(args, { cwd: '../clone', env: tester.env });
      wasDone(await inClone('pull'));
      expect(story.texts('../clone/clean')).toEqual([
        '2024-01-01.csv: row 01\nfine',
        '2024-01-02.csv: row 02\nfine',
        '2024-01-03.csv: row 03\nfine',
      ]);
      wasDone(await as(tester, 'gc', '--store', 'trial', '--grace', '0s'));
      expect(await contentBelow(server, 'weather/branches/try/refs/')).not.toEqual({});
      expect(await content()).toEqual(before);
    });

    test('a branch that claims to be production is refused, by name, right and key', async () => {
      const { story, tester, production, content, as, server } = await openWorld(given);
      const before = await content();
      story.write('raw/2024-01-03.csv', 'row 03\n');
      await story.succeed('repro');
      for (const [args, right, key] of [
        [['push', '--env', 'production'], 's3:PutObject', 'runs/writing/'],
        [['gc', '--store', 'production', '--grace', '0s'], 's3:', ''],
      ] as const) {
        const result = await as(tester, ...args, '--json');
        expect(result.code, result.stderr).toBe(6);
        const error = errorOf(result.stderr);
        expect(error).toMatchObject({ error: 'access-denied', exit: 6 });
        expect(error.message).toContain(tester.arn);
        expect(error.message).toContain(`lacks the right ${right}`);
        expect(error.message).toContain(`on s3://${server.bucket}/weather/main/${key}`);
        expect(error.hint).toMatch(/\w/);
      }
      expect(await content()).toEqual(before);

      const doctor = async (person: Person): Promise<readonly Check[]> =>
        (await as(person, 'doctor', '--env', 'test', '--json')).json<DoctorReport>().checks;
      const guard = (state: Check['state']): object =>
        ({ name: 'guard production', state }) satisfies Partial<Check>;
      expect(await doctor(tester)).toContainEqual(expect.objectContaining(guard('ok')));
      expect(await doctor(production)).toContainEqual(
        expect.objectContaining({
          ...guard('fail'),
          fix: expect.stringContaining('datawf env manifest') as string,
        }),
      );
      expect(await content()).toEqual(before);
    });

    test("a branch's wrong result is nothing to production until a merge names it, and then only production brings it", async () => {
      const { story, tester, production, content, as, server } = await openWorld(given);
      const before = await content();
      story.write('../mood', 'poison');
      story.write('raw/2024-01-03.csv', 'row 03\n');
      await story.succeed('repro');
      await story.git('commit', '--quiet', '-am', 'a day more');
      wasDone(await as(tester, 'push', '--run-cache'));
      expect(await content()).toEqual(before);

      story.write('../mood', 'fine');
      const inClone = (person: Person, ...args: readonly string[]): ReturnType<Story['datawf']> =>
        story.datawf(args, { cwd: '../clone', env: person.env });
      await story.git('clone', '--quiet', '--branch', 'main', '.', '../clone');
      wasDone(await inClone(production, 'pull'));
      story.write('../clone/raw/2024-01-03.csv', 'row 03\n');
      const ran = readRepro(await inClone(production, 'repro', '--json'));
      expect(ran.ran).toEqual(['clean date=2024-01-03']);
      expect(story.read('../clone/clean/2024-01-03.csv')).toBe('row 03\nfine');

      await story.run(['git', 'checkout', '--quiet', '--', '.'], { cwd: '../clone' });
      await story.run(['git', 'merge', '--quiet', '--ff-only', 'origin/try'], { cwd: '../clone' });
      const refused = await inClone(tester, 'promote', '--json');
      expect(refused.code, refused.stderr).toBe(6);
      expect(errorOf(refused.stderr).message).toContain(`s3://${server.bucket}/weather/main/`);
      expect(await content()).toEqual(before);
      wasDone(await inClone(production, 'promote'));
      expect(Object.keys(await content()).length).toBeGreaterThan(Object.keys(before).length);
      expect(await content()).toMatchObject(
        Object.fromEntries(Object.entries(before).filter(([key]) => !key.includes('/refs/'))),
      );
    });
  },
);
