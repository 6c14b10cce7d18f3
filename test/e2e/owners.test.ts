import { describe, expect, test } from 'vitest';
import { openStory, type Problem, type Story } from './story.ts';

const WORKFLOW = `stages:
  clean:
    cmd: cp "$raw" "$clean"
    code: [tools/run.sh]
    deps: {raw: "raw/{d}.csv"}
    outs: {clean: "clean/{d}.csv"}
  all:
    cmd: cat "$clean"/*.csv > "$all"
    deps: {clean: clean/}
    outs: {all: all.csv}
`;

async function open(): Promise<Story> {
  const story = await openStory(WORKFLOW);
  story.files({ 'raw/a.csv': 'a\n', 'raw/b.csv': 'b\n', 'tools/run.sh': '#\n' });
  await story.succeed('add', 'raw');
  return story;
}

async function failure(story: Story, ...args: string[]): Promise<Problem> {
  const { stderr } = await story.datawf([...args, '--json']);
  return JSON.parse(stderr.split('\n')[0] ?? '') as Problem;
}

describe('an out that git tracks', () => {
  test.each([
    ['of one file', 'all.csv', 9],
    ['of a datum', 'clean/b.csv', 6],
  ])('%s is refused before anything runs, with the cure', async (_, path, line) => {
    const story = await open();
    story.write(path, 'mine\n');
    await story.git('add', '--force', path);
    const { code, error, ran } = await story.repro();
    expect({ code, ran }).toEqual({ code: 6, ran: [] });
    expect(error).toMatchObject({ error: 'tracked-by-git', file: 'datawf.yaml' });
    expect(error?.message).toContain(path);
    expect(error?.hint).toContain(`git rm --cached ${path}`);
    expect(error?.line).toBeGreaterThanOrEqual(line);
    expect(story.read(path)).toBe('mine\n');
    expect(await failure(story, 'repro', '--dry-run')).toMatchObject({ error: 'tracked-by-git' });
    await story.git('rm', '--quiet', '--cached', path);
    story.remove(path);
    expect((await story.repro()).counts).toEqual({ planned: 3, ran: 3 });
  });

  test('is no other file that lies beside the outs', async () => {
    const story = await open();
    story.write('clean/README.csv', 'about\n');
    story.write('clean/.gitignore', '*.tmp\n');
    await story.git('add', '--force', 'clean/README.csv', 'clean/.gitignore');
    expect((await story.repro()).code).toBe(0);
    expect((await story.repro()).counts).toEqual({ skipped: 3 });
  });
});

describe('add', () => {
  test('of a folder that a stage writes names the stage', async () => {
    const story = await open();
    await story.repro();
    const problem = await failure(story, 'add', 'clean');
    expect(problem).toMatchObject({ error: 'stage-output', exit: 6 });
    expect(problem.message).toContain('stage clean');
  });
});

describe('a place in datawf.yaml', () => {
  test('is told with column and excerpt for code that is not there', async () => {
    const story = await open();
    story.remove('tools/run.sh');
    expect(await failure(story, 'repro')).toMatchObject({ error: 'no-code', line: 4, column: 12, exit: 4 });
    expect((await story.datawf(['repro'])).stderr).toContain('code: [tools/run.sh]');
  });

  test('is told for params that are not there', async () => {
    const story = await open();
    story.pipeline(WORKFLOW.replace('    code: [tools/run.sh]\n', '    params: [x]\n'));
    expect(await failure(story, 'repro')).toMatchObject({ error: 'no-params', line: 4, column: 13, exit: 4 });
  });

  test('is told where data added by hand are an out, too', async () => {
    const story = await open();
    story.write('all.csv', 'x\n');
    story.pipeline('stages: {}\n');
    await story.succeed('add', 'all.csv');
    story.pipeline(WORKFLOW);
    expect(await failure(story, 'repro')).toMatchObject({
      error: 'two-producers',
      line: 10,
      column: 17,
      exit: 2,
    });
  });
});

test('a plain file whose name no out could keep is named as the input that it is', async () => {
  const story = await openStory(WORKFLOW.replace('    code: [tools/run.sh]\n', ''));
  story.files({ 'raw/a.csv': 'a\n', 'raw/b\nb.csv': 'b\n' });
  const { code, error, ran } = await story.repro();
  expect({ code, ran }).toEqual({ code: 2, ran: [] });
  expect(error).toMatchObject({ error: 'bad-path' });
  expect(error?.message).toContain('"raw/b\\nb.csv"');
});

test('why of a stage without captures is about the stage alone', async () => {
  const story = await open();
  await story.repro();
  const { stdout } = await story.succeed('why', 'all.csv');
  expect(stdout).toMatch(/^all\.csv: all: does not run/);
  expect(stdout).not.toContain('all -');
});

test('the beginning of a command is taken for it in the hint', async () => {
  const story = await open();
  expect((await story.datawf(['stat'])).stderr).toContain('Did you mean "status"?');
});
