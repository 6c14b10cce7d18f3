import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { invalid, refused } from '../model/problem.ts';

/** What the demo needs to make its repository. */
export interface DemoRequest {
  /** Absolute path of `fixtures/weather`. */
  readonly fixture: string;
  /** Folder to make, absolute; undefined makes a new one in `temp`. */
  readonly folder: string | undefined;
  readonly temp: string;
}

/** The day that the demo corrects. */
export const DEMO_DAY = '2014-08-15';

/** Makes the demo's folder: the table, the workflow and its few scripts. Answers its absolute path. */
export function prepareDemo(request: DemoRequest): string {
  const folder = request.folder ?? mkdtempSync(join(request.temp, 'datawf-demo-'));
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw refused('folder-not-empty', `${folder} is not empty`, 'Name a folder that is new: datawf demo DIR');
  }
  mkdirSync(join(folder, 'data'), { recursive: true });
  const workflow = join(request.fixture, 'workflow');
  for (const name of readdirSync(workflow)) copyFileSync(join(workflow, name), join(folder, name));
  copyFileSync(join(request.fixture, 'seattle-weather.csv'), join(folder, 'data', 'weather.csv'));
  return realpathSync(folder);
}

/** Corrects one day of the table: its highest temperature, by a degree. */
export function editDemoDay(folder: string): { readonly before: string; readonly after: string } {
  const file = join(folder, 'data', 'weather.csv');
  const lines = readFileSync(file, 'utf8').split('\n');
  const index = lines.findIndex((line) => line.startsWith(`${DEMO_DAY},`));
  const before = lines[index];
  if (before === undefined) throw invalid('demo-changed', `the table of the demo has no ${DEMO_DAY}`);
  const fields = before.split(',');
  fields[2] = (Number(fields[2]) + 1).toFixed(1);
  const after = fields.join(',');
  lines[index] = after;
  writeFileSync(file, lines.join('\n'));
  return { before, after };
}
