import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { WorkEvent } from '../../src/model/event.ts';
import { expectSchema } from '../rig/schemas.ts';
import { openRig } from './rig.ts';

type Datum = WorkEvent & { event: 'datum-end' };

interface Run {
  readonly counts: object;
}

test('the demo makes a repository, runs it, corrects a day, and only that day, its month and the report run', async () => {
  const rig = await openRig({ git: false });
  const result = await rig.datawf(['demo', '--json'], { env: { GIT_DIR: '/nowhere' } });
  expect(result.code, result.stderr).toBe(0);
  const events = result.events();
  for (const event of events) expectSchema('event', event);
  const end = events.at(-1)! as WorkEvent & { readonly folder: string; readonly runs: readonly Run[] };
  expect(end).toMatchObject({ event: 'end', exit: 0 });
  expect(events.filter((event) => event.event === 'end')).toHaveLength(1);
  expect(end.runs.map((run) => run.counts)).toMatchObject([
    { planned: 1511, ran: 1511, skipped: 0 },
    { ran: 4, skipped: 1507 },
  ]);
  const again = events.slice(events.findLastIndex((event) => event.event === 'run-start'));
  const ran = again.filter((event): event is Datum => event.event === 'datum-end' && event.state === 'ran');
  expect(ran.map((event) => [event.stage, event.captures['date']])).toEqual([
    ['split', undefined],
    ['clean', '2014-08-15'],
    ['monthly', '2014-08'],
    ['report', undefined],
  ]);

  const notes = events.flatMap((event) => (event.event === 'note' ? [event.message] : []));
  expect(notes.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2))).toEqual([
    'git init',
    'datawf init',
    'datawf add data/weather.csv',
    'git add . && git commit -m "Weather of Seattle"',
    'datawf repro',
    'git add . && git commit -m "First run"',
    'datawf unlock data/weather.csv',
    'datawf status',
    'datawf repro',
    'datawf status',
  ]);
  const { folder } = end;
  expect(notes).toContain(`It is in ${folder}`);
  expect(dirname(folder)).toBe(dirname(rig.root));
  expect(readdirSync(join(folder, 'data/days'))).toHaveLength(1461);
  expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('<svg viewBox="0 0 960 470"');
  expect(await rig.run(['git', '-C', folder, 'status', '--short'])).toMatchObject({
    stdout: ' M data/weather.csv.datawf\n M datawf.lock\n',
  });
  const run = await rig.datawf(['-C', folder, 'repro', '--json']);
  expect(run.events().at(-1)).toMatchObject({ counts: { planned: 0, skipped: 1511 } });
  const log = (await rig.datawf(['-C', folder, 'log', '--json'])).json();
  expectSchema('log', log);
  expect(log).toHaveLength(2);
}, 240_000);

test('the demo takes an empty folder only', async () => {
  const rig = await openRig({ git: false });
  rig.write('weather/mine.txt', 'x');
  const refused = await rig.datawf(['demo', 'weather']);
  expect(refused.code).toBe(6);
  expect(refused.stderr).toContain('is not empty');
  expect(readdirSync(rig.path('weather'))).toEqual(['mine.txt']);
});
