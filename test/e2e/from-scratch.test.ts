import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { add } from '../../src/app/add.ts';
import { repro } from '../../src/app/repro.ts';
import { openRunPorts } from '../../src/cli/context.ts';
import type { WorkEvent } from '../../src/model/event.ts';
import { limitMs, runs } from '../rig/property.ts';
import { contextAt, openHome, PLAIN_REPRO } from './in-process.ts';
import { filesBelow } from './story.ts';

/**
 * With deterministic commands, any sequence of edits and runs that ends with a full run gives the same lock, byte for byte,
 * and the same files as one run from scratch of the same inputs. In process, since a hundred runs are made.
 */

const DAYS = ['2024-01-30', '2024-01-31', '2024-02-01'];

const PIPELINE = `
stages:
  clean:
    cmd: {CLEAN}
    code: [mark.txt]
    params: [scale]
    deps:
      raw: "data/raw/{date:%Y-%m-%d}.csv"
      fix: {path: "fixes/{date:%Y-%m-%d}.csv", optional: true}
      all: {path: "fixes/", optional: true}
    outs: {clean: "out/clean/{date:%Y-%m-%d}.csv"}
  monthly:
    cmd: cat $(cat "$DATAWF_INPUTS") > "$month"
    deps: {clean: "out/clean/{date:%Y-%m-%d}.csv"}
    outs: {month: "out/monthly/{date:%Y-%m}.csv"}
  even:
    cmd: if [ $(cat "$clean" | wc -c) -gt 12 ]; then cp "$clean" "$even"; fi
    deps: {clean: "out/clean/{date:%Y-%m-%d}.csv"}
    outs: {even: {path: "out/even/{date:%Y-%m-%d}.csv", optional: true}}
  words:
    cmd: tr ' ' '\\n' < "$raw" | while read -r w; do case "$w" in "") ;; *) printf '%s\\n' "$date" > "$words/$w.txt";; esac; done
    deps: {raw: "data/raw/{date:%Y-%m-%d}.csv"}
    outs: {words: "out/words/{date:%Y-%m-%d}/"}
  perword:
    cmd: cat $(cat "$DATAWF_INPUTS") > "$list"
    deps: {words: "out/words/*/{word}.txt"}
    outs: {list: "out/lists/{word}.txt"}
  pair:
    cmd: cat "$even" "$month" > "$pair"
    deps:
      even: "out/even/{date:%Y-%m-%d}.csv"
      month: "out/monthly/{date:%Y-%m}.csv"
    outs: {pair: "out/pair/{date:%Y-%m-%d}.csv"}
  trail:
    cmd: cat $(cat "$DATAWF_INPUTS") > "$trail"
    deps:
      clean: "out/clean/{date:%Y-%m-%d}.csv"
      before: {path: "out/clean/{date:%Y-%m-%d}.csv", window: [-1d, -1d]}
    outs: {trail: "out/trail/{date:%Y-%m-%d}.csv"}
  report:
    cmd: cat $(cat "$DATAWF_INPUTS") /dev/null > "$report"
    deps: {lists: {path: out/lists/, optional: true}, pair: {path: "out/pair/*.csv", optional: true}}
    outs: {report: report.txt}
`;

/** Every command is deterministic; a day may fail, or be not yet there, until it is mended. */
const GATE = 'read -r first < "$raw"; case "$first" in FAIL*) exit 1;; WAIT*) exit 75;; esac; ';

const CLEANS = [
  `cat "$raw" $fix | sed "s/x/$scale/" > "$clean"`,
  `sed "s/x/$scale/" "$raw" $fix > "$clean"; cat mark.txt >> "$clean"`,
];

const TEXTS = ['x\n', 'x y\n', 'a b\n', 'a x b\n', 'y\n', 'FAIL\n', 'WAIT y\n'];

type Step =
  | { readonly do: 'put'; readonly file: string; readonly text: string }
  | { readonly do: 'delete'; readonly file: string }
  | { readonly do: 'rename'; readonly file: string; readonly to: string }
  | { readonly do: 'code'; readonly text: string }
  | { readonly do: 'scale'; readonly value: number }
  | { readonly do: 'cmd'; readonly which: number }
  | { readonly do: 'run'; readonly how: Run };

interface Run {
  readonly targets: readonly string[];
  readonly single?: boolean;
  readonly force?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly runCache?: boolean;
}

const raw = fc.constantFrom(...DAYS.map((day) => `data/raw/${day}.csv`));
const fix = fc.constantFrom(...DAYS.slice(1, 3).map((day) => `fixes/${day}.csv`), 'fixes/readme.txt');
const file = fc.oneof({ weight: 3, arbitrary: raw }, fix);

const run: fc.Arbitrary<Run> = fc.oneof(
  fc.constant({ targets: [] }),
  fc.constantFrom('clean', 'monthly', 'words', 'pair', 'even').map((stage) => ({ targets: [stage] })),
  fc
    .constantFrom('clean', 'monthly', 'words', 'perword', 'pair', 'report', 'even', 'trail')
    .map((stage) => ({ targets: [stage], single: true })),
  fc
    .tuple(fc.constantFrom(...DAYS), fc.boolean())
    .map(([day, until]) => (until ? { targets: [], until: day } : { targets: [], since: day })),
  fc.constant({ targets: ['clean'], force: true }),
  fc.constant({ targets: [], runCache: false }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('put' as const), file, text: fc.constantFrom(...TEXTS) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), file }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rename' as const), file: raw, to: raw }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('code' as const), text: fc.constantFrom('A\n', 'B\n') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('scale' as const), value: fc.constantFrom(1, 2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cmd' as const), which: fc.constantFrom(0, 1) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('run' as const), how: run }) },
);

const { base, env: ENV } = openHome();
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A workspace that is worked on in process. */
class Place {
  readonly root: string;

  constructor(name: string) {
    this.root = join(base, name);
    mkdirSync(this.root);
    execFileSync('git', ['init', '--quiet'], { cwd: this.root, env: ENV });
  }

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true });
    writeFileSync(file, text);
  }

  async start(): Promise<void> {
    this.write('mark.txt', 'A\n');
    this.write('params.yaml', 'scale: 1\n');
    this.setCmd(0);
    this.write('data/raw/2024-01-31.csv', 'x y\n');
    this.write('fixes/readme.txt', 'none\n');
    await this.add();
  }

  async add(): Promise<void> {
    await add(this.context(), { paths: ['data/raw'], dryRun: false });
  }

  setCmd(which: number): void {
    this.write('datawf.yaml', PIPELINE.replace('{CLEAN}', JSON.stringify(GATE + (CLEANS[which] ?? ''))));
  }

  /** A dataset without any file left is refused: a story of its own. */
  keepRaw(): void {
    if (filesBelow(join(this.root, 'data/raw')).length === 0) this.write('data/raw/2024-02-01.csv', 'y\n');
  }

  /** Leaves nothing that fails or waits. */
  mend(): void {
    this.keepRaw();
    for (const path of filesBelow(join(this.root, 'data/raw')))
      if (/FAIL|WAIT/.test(readFileSync(join(this.root, 'data/raw', path), 'utf8')))
        this.write(`data/raw/${path}`, 'b\n');
  }

  async take(step: Step): Promise<void> {
    const path = (name: string): string => join(this.root, name);
    switch (step.do) {
      case 'put':
        this.write(step.file, step.text);
        return;
      case 'delete':
        rmSync(path(step.file), { force: true });
        return;
      case 'rename':
        if (existsSync(path(step.file)) && step.file !== step.to) renameSync(path(step.file), path(step.to));
        return;
      case 'code':
        this.write('mark.txt', step.text);
        return;
      case 'scale':
        this.write('params.yaml', `scale: ${step.value}\n`);
        return;
      case 'cmd':
        this.setCmd(step.which);
        return;
      case 'run':
        this.keepRaw();
        await this.repro(step.how);
    }
  }

  async repro(how: Run): Promise<readonly WorkEvent[]> {
    const events: WorkEvent[] = [];
    const context = this.context((event) => events.push(event));
    const end = await repro(context, { ...PLAIN_REPRO, ...how }, openRunPorts(context));
    const unexpected = events.filter(
      (event) => event.event === 'datum-end' && event.state === 'failed' && event.stage !== 'clean',
    );
    expect({ exits: end.exit === 0 || end.exit === 3, unexpected }).toEqual({ exits: true, unexpected: [] });
    return events;
  }

  context(emit?: (event: WorkEvent) => void) {
    return contextAt(this.root, ENV, emit);
  }

  /** A fresh workspace with the same inputs and without any past. */
  async copy(name: string): Promise<Place> {
    const fresh = new Place(name);
    for (const part of ['data', 'fixes', 'mark.txt', 'params.yaml', 'datawf.yaml'])
      if (existsSync(join(this.root, part)))
        cpSync(join(this.root, part), join(fresh.root, part), { recursive: true, dereference: true });
    rmSync(join(fresh.root, 'data/raw.datawf'));
    await fresh.add();
    return fresh;
  }

  /** Everything that a run makes: the locks, and the files of outs. */
  made(): Record<string, string> {
    const made: Record<string, string> = {};
    for (const name of ['datawf.lock', 'data/raw.datawf', 'report.txt']) {
      const file = join(this.root, name);
      made[name] = existsSync(file) ? readFileSync(file, 'utf8') : '(none)';
    }
    for (const path of filesBelow(join(this.root, 'out')))
      if (!path.endsWith('.gitignore'))
        made[`out/${path}`] = readFileSync(join(this.root, 'out', path), 'utf8');
    return made;
  }
}

let count = 0;

async function check(steps: readonly Step[]): Promise<void> {
  const name = `w${(count += 1)}`;
  const place = new Place(name);
  await place.start();
  for (const each of steps) await place.take(each);
  place.mend();
  await place.repro({ targets: [] });
  const fresh = await place.copy(`${name}-fresh`);
  await fresh.repro({ targets: [] });
  expect(place.made()).toEqual(fresh.made());
  const again = await place.repro({ targets: [] });
  expect(again.map((event) => event.event).filter((event) => event !== 'progress')).toEqual(['end']);
  rmSync(place.root, { recursive: true });
  rmSync(fresh.root, { recursive: true });
}

test(
  'any sequence of edits and runs ends in the lock and the files of one run from scratch',
  async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 10 }), check), {
      numRuns: runs(6),
      endOnFailure: true,
    });
  },
  limitMs(240_000),
);
