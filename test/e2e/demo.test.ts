import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { WorkEvent } from '../../src/model/event.ts';
import { expectSchema } from '../rig/schemas.ts';
import { openRig } from './rig.ts';

const LONG = 240_000;

type Datum = WorkEvent & { event: 'datum-end' };

test(
  'the demo makes a repository, runs it, corrects a day, and only that day, its month and the report run',
  async () => {
    const rig = await openRig({ git: false });
    const result = await rig.datawf(['demo', 'weather', '--json']);
    expect(result.code, result.stderr).toBe(0);
    const events = result.events();
    for (const event of events) expectSchema('event', event);
    const end = events.at(-1)!;
    expect(end).toMatchObject({ event: 'end', exit: 0, folder: realpathSync(rig.path('weather')) });
    expect(events.filter((event) => event.event === 'end')).toHaveLength(1);
    expect((end as unknown as { runs: { counts: object }[] }).runs.map((run) => run.counts)).toMatchObject([
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

    const folder = rig.path('weather');
    expect(readdirSync(join(folder, 'data/days'))).toHaveLength(1461);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('<svg viewBox="0 0 960 470"');
    const run = await rig.datawf(['repro', '--json'], { cwd: 'weather' });
    expect(run.events().at(-1)).toMatchObject({ counts: { planned: 0, skipped: 1511 } });
    const log = (await rig.datawf(['log', '--json'], { cwd: 'weather' })).json();
    expectSchema('log', log);
    expect(log).toHaveLength(2);
    const refused = await rig.datawf(['demo', 'weather']);
    expect(refused.code).toBe(6);
    expect(refused.stderr).toContain('is not empty');
  },
  LONG,
);

test(
  'the demo tells each command a user would type, and where it is',
  async () => {
    const rig = await openRig({ git: false });
    const { code, stderr } = await rig.datawf(['demo'], { env: { GIT_DIR: '/nowhere' } });
    expect(code, stderr).toBe(0);
    const typed = [...stderr.matchAll(/^\$ (.*)$/gm)].map((match) => match[1]);
    expect(typed).toEqual([
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
    const folder = /^It is in (.+)$/m.exec(stderr)![1]!;
    expect(dirname(folder)).toBe(dirname(rig.root));
    expect(existsSync(join(folder, 'report.html'))).toBe(true);
    expect(await rig.run(['git', '-C', folder, 'status', '--short'])).toMatchObject({
      stdout: ' M data/weather.csv.datawf\n M datawf.lock\n',
    });
  },
  LONG,
);
