import { describe, expect, test } from 'vitest';
import { datums, openStory, usage } from './story.ts';

/** What the captures of `outs` and `deps` make of files (concepts 1.2), as a person sees it. */

const LIST = `cat $(cat "$DATAWF_INPUTS") > "$made"`;

describe('a stage', () => {
  test('whose out has the captures of its dep is a map', async () => {
    const story = await openStory(`
stages:
  up:
    cmd: tr a-z A-Z < "$raw" > "$made"
    deps: {raw: "raw/{name}.txt"}
    outs: {made: "up/{name}.txt"}
`);
    story.files({
      'raw/a.txt': 'one',
      'raw/b-c.d.txt': 'two',
      'raw/.dot.txt': 'three',
      'raw/.DS_Store': 'x',
    });
    expect((await story.repro()).ran).toEqual(['up name=.dot', 'up name=a', 'up name=b-c.d']);
    expect(story.texts('up')).toEqual(['.dot.txt: THREE', 'a.txt: ONE', 'b-c.d.txt: TWO']);
  });

  test('with a coarser time in its out collects the days of each month', async () => {
    const story = await openStory(`
stages:
  monthly:
    cmd: ${LIST}
    deps: {days: "raw/{date:%Y-%m-%d}.txt"}
    outs: {made: "months/{date:%Y-%m}.txt"}
`);
    story.files({ 'raw/2024-01-30.txt': 'a\n', 'raw/2024-01-31.txt': 'b\n', 'raw/2024-02-01.txt': 'c\n' });
    expect((await story.repro()).ran).toEqual(['monthly date=2024-01', 'monthly date=2024-02']);
    expect(story.texts('months')).toEqual(['2024-01.txt: a\nb', '2024-02.txt: c']);
  });

  test('collects by a star whatever stands in its place', async () => {
    const story = await openStory(`
stages:
  merge:
    cmd: ${LIST}
    deps: {parts: "raw/*/{day}.txt"}
    outs: {made: "days/{day}.txt"}
`);
    story.files({
      'raw/a/1.txt': 'a1\n',
      'raw/b/1.txt': 'b1\n',
      'raw/a/2.txt': 'a2\n',
      'raw/a/x/1.txt': 'deep',
    });
    await story.repro();
    expect(story.texts('days')).toEqual(['1.txt: a1\nb1', '2.txt: a2']);
    expect(usage((await story.stage('merge')).deps['parts'])).toEqual({ files: 4, used: 3, unmatched: 1 });
  });

  test('collects by two stars any number of folders, also none', async () => {
    const story = await openStory(`
stages:
  merge:
    cmd: ${LIST}
    deps: {parts: "raw/**/{day}.txt"}
    outs: {made: "days/{day}.txt"}
`);
    story.files({ 'raw/1.txt': 'top\n', 'raw/a/1.txt': 'one\n', 'raw/a/b/1.txt': 'two\n' });
    await story.repro();
    expect(story.texts('days')).toEqual(['1.txt: top\none\ntwo']);
  });

  test('with two deps that share a name is a join', async () => {
    const story = await openStory(`
stages:
  join:
    cmd: cat "$left" "$right" > "$made"
    deps: {left: "left/{id}.txt", right: "right/{id}.txt"}
    outs: {made: "both/{id}.txt"}
`);
    story.files({ 'left/1.txt': 'l1\n', 'left/2.txt': 'l2\n', 'right/2.txt': 'r2\n', 'right/3.txt': 'r3\n' });
    await story.repro();
    expect(story.texts('both')).toEqual(['2.txt: l2\nr2']);
    const { deps } = await story.stage('join');
    expect(usage(deps['left'])).toEqual({ files: 2, used: 1, unpaired: 1 });
    expect(usage(deps['right'])).toEqual({ files: 2, used: 1, unpaired: 1 });
  });

  test('with two deps that share nothing makes every combination', async () => {
    const story = await openStory(`
stages:
  cross:
    cmd: cat "$model" "$site" > "$made"
    deps: {model: "models/{m}.txt", site: "sites/{s}.txt"}
    outs: {made: "runs/{m}/{s}.txt"}
`);
    story.files({ 'models/a.txt': 'a\n', 'models/b.txt': 'b\n', 'sites/x.txt': 'x\n', 'sites/y.txt': 'y\n' });
    await story.repro();
    expect(story.texts('runs')).toEqual(['a/x.txt: a\nx', 'a/y.txt: a\ny', 'b/x.txt: b\nx', 'b/y.txt: b\ny']);
  });

  test('shows a dep without captures to every datum', async () => {
    const story = await openStory(`
stages:
  map:
    cmd: cat "$raw" "$all" > "$made"
    deps: {raw: "raw/{name}.txt", all: config/all.txt}
    outs: {made: "made/{name}.txt"}
`);
    story.files({ 'raw/a.txt': 'a\n', 'raw/b.txt': 'b\n', 'config/all.txt': 'all\n' });
    await story.repro();
    expect(story.texts('made')).toEqual(['a.txt: a\nall', 'b.txt: b\nall']);
  });

  test('with a plain directory as its dep sees all of it at once', async () => {
    const story = await openStory(`
stages:
  all:
    cmd: find "$raw" -type f | sort > "$made"
    deps: {raw: raw/}
    outs: {made: list.txt}
`);
    story.files({ 'raw/a.txt': 'a', 'raw/x/y/b.csv': 'b', 'raw/.gitignore': 'x' });
    await story.repro();
    expect(story.read('list.txt')).toBe('raw/a.txt\nraw/x/y/b.csv\n');
  });

  test('with a window sees the period shifted, and lacks what any of it lacks', async () => {
    const story = await openStory(`
stages:
  mean:
    cmd: ${LIST}
    deps: {days: {path: "raw/{date:%Y-%m-%d}.txt", window: [-1d, 0d]}}
    matrix: {date: {since: 2024-01-02, until: 2024-01-05, every: 1d}}
    outs: {made: "mean/{date:%Y-%m-%d}.txt"}
`);
    story.files({ 'raw/2024-01-01.txt': '1\n', 'raw/2024-01-02.txt': '2\n', 'raw/2024-01-03.txt': '3\n' });
    expect(await story.repro()).toMatchObject({ code: 0, counts: { planned: 3, ran: 2, waiting: 1 } });
    expect(story.texts('mean')).toEqual(['2024-01-02.txt: 1\n2', '2024-01-03.txt: 2\n3']);
    expect((await story.stage('mean')).waiting).toEqual([
      { captures: { date: '2024-01-04' }, missing: ['raw/2024-01-04.txt'] },
    ]);
  });

  test('with an optional window takes what is there', async () => {
    const story = await openStory(`
stages:
  mean:
    cmd: ${LIST}
    deps:
      day: "raw/{date:%Y-%m-%d}.txt"
      before: {path: "raw/{date:%Y-%m-%d}.txt", window: [-2d, -1d], optional: true}
    outs: {made: "mean/{date:%Y-%m-%d}.txt"}
`);
    story.files({ 'raw/2024-01-01.txt': '1\n', 'raw/2024-01-02.txt': '2\n' });
    await story.repro();
    expect(story.texts('mean')).toEqual(['2024-01-01.txt: 1', '2024-01-02.txt: 2\n1']);
  });

  test('takes a correction from an optional dep where there is one', async () => {
    const story = await openStory(`
stages:
  fixed:
    cmd: cat "\${fix:-$raw}" > "$made"
    deps: {raw: "raw/{d}.txt", fix: {path: "fixes/{d}.txt", optional: true}}
    outs: {made: "fixed/{d}.txt"}
`);
    story.files({ 'raw/1.txt': 'one', 'raw/2.txt': 'two', 'fixes/2.txt': 'TWO', 'fixes/3.txt': 'never' });
    expect((await story.repro()).code).toBe(0);
    expect(story.texts('fixed')).toEqual(['1.txt: one', '2.txt: TWO']);
    story.write('fixes/1.txt', 'ONE');
    expect((await story.repro()).ran).toEqual(['fixed d=1']);
    expect(story.texts('fixed')).toEqual(['1.txt: ONE', '2.txt: TWO']);
  });

  test('may leave an optional out unwritten; what reads it has no datum then', async () => {
    const story = await openStory(`
stages:
  sift:
    cmd: if grep -q good "$raw"; then cp "$raw" "$made"; fi
    deps: {raw: "raw/{d}.txt"}
    outs: {made: {path: "good/{d}.txt", optional: true}}
  next:
    cmd: cp "$good" "$next"
    deps: {good: "good/{d}.txt"}
    outs: {next: "next/{d}.txt"}
`);
    story.files({ 'raw/1.txt': 'good', 'raw/2.txt': 'bad' });
    expect(await story.repro()).toMatchObject({ code: 0, counts: { planned: 3, ran: 3 } });
    expect(story.texts('next')).toEqual(['1.txt: good']);
    story.write('raw/1.txt', 'bad now');
    story.write('raw/2.txt', 'good now');
    expect((await story.repro()).ran).toEqual(['next d=2', 'sift d=1', 'sift d=2']);
    expect(story.texts('next')).toEqual(['2.txt: good now']);
    expect(await story.repro()).toMatchObject({ counts: { skipped: 3 } });
  });

  test('makes what a matrix lists, items as written', async () => {
    const story = await openStory(`
stages:
  sweep:
    cmd: echo "$rate/$kind" > "$made"
    matrix: {rate: [0.10, 1e3, 007], kind: [a, "b c"]}
    outs: {made: "runs/{rate}/{kind}.txt"}
`);
    expect((await story.repro()).counts).toEqual({ planned: 6, ran: 6 });
    expect(story.texts('runs')).toEqual([
      '0.10/a.txt: 0.10/a',
      '0.10/b c.txt: 0.10/b c',
      '007/a.txt: 007/a',
      '007/b c.txt: 007/b c',
      '1e3/a.txt: 1e3/a',
      '1e3/b c.txt: 1e3/b c',
    ]);
  });

  test('makes the periods of a half-open range', async () => {
    const story = await openStory(`
stages:
  days:
    cmd: echo "$date" > "$made"
    matrix: {date: {since: 2024-02-28, until: 2024-03-02, every: 1d}}
    outs: {made: "days/{date:%Y/%m/%d}.txt"}
`);
    await story.repro();
    expect(story.texts('days')).toEqual([
      '2024/02/28.txt: 2024-02-28',
      '2024/02/29.txt: 2024-02-29',
      '2024/03/01.txt: 2024-03-01',
    ]);
  });

  test('waits for a month to be complete where a matrix names its days', async () => {
    const story = await openStory(`
stages:
  monthly:
    cmd: ${LIST}
    deps: {days: "raw/{date:%Y-%m-%d}.txt"}
    matrix: {date: {since: 2024-02-27, until: 2024-03-01, every: 1d}}
    outs: {made: "months/{date:%Y-%m}.txt"}
`);
    story.files({ 'raw/2024-02-27.txt': '27\n', 'raw/2024-02-28.txt': '28\n' });
    expect(await story.repro()).toMatchObject({ code: 0, counts: { planned: 1, waiting: 1 } });
    expect((await story.stage('monthly')).waiting).toEqual([
      { captures: { date: '2024-02' }, missing: ['raw/2024-02-29.txt'] },
    ]);
    story.write('raw/2024-02-29.txt', '29\n');
    expect((await story.repro()).ran).toEqual(['monthly date=2024-02']);
    expect(story.texts('months')).toEqual(['2024-02.txt: 27\n28\n29']);
  });

  test('lets each day see the file of its month', async () => {
    const story = await openStory(`
stages:
  day:
    cmd: cat "$raw" "$month" > "$made"
    deps: {raw: "raw/{date:%Y-%m-%d}.txt", month: "months/{date:%Y-%m}.txt"}
    outs: {made: "days/{date:%Y-%m-%d}.txt"}
`);
    story.files({
      'raw/2024-01-31.txt': '31\n',
      'raw/2024-02-01.txt': '1\n',
      'raw/2024-03-01.txt': 'no month\n',
      'months/2024-01.txt': 'jan\n',
      'months/2024-02.txt': 'feb\n',
    });
    await story.repro();
    expect(story.texts('days')).toEqual(['2024-01-31.txt: 31\njan', '2024-02-01.txt: 1\nfeb']);
    story.write('months/2024-02.txt', 'FEB\n');
    expect((await story.repro()).ran).toEqual(['day date=2024-02-01']);
  });
});

describe('a pattern', () => {
  test('with a name twice matches equal values only, and parts of a time add up', async () => {
    const story = await openStory(`
stages:
  twice:
    cmd: cp "$raw" "$made"
    deps: {raw: "raw/{a}/{a}.txt"}
    outs: {made: "twice/{a}.txt"}
  hours:
    cmd: echo "$t $station" > "$made"
    deps: {raw: "hours/{t:%Y-%m-%d}/{station}/{t:%H}.txt"}
    outs: {made: "made/{station}/{t:%Y%m%dT%H}.txt"}
`);
    story.files({
      'raw/x/x.txt': 'x',
      'raw/x/y.txt': 'y',
      'hours/2024-05-01/ams/06.txt': '',
      'hours/2024-05-01/ams/25.txt': '',
    });
    await story.repro();
    expect(story.texts('twice')).toEqual(['x.txt: x']);
    expect(story.texts('made')).toEqual(['ams/20240501T06.txt: 2024-05-01T06 ams']);
    expect(usage((await story.stage('hours')).deps['raw'])).toEqual({ files: 2, used: 1, unmatched: 1 });
  });

  test('with a width splits a name without a separator', async () => {
    const story = await openStory(`
stages:
  split:
    cmd: echo "$area $number" > "$made"
    deps: {raw: "raw/{area:2}{number}.txt"}
    outs: {made: "made/{area}/{number}.txt"}
`);
    story.files({ 'raw/NL123.txt': '', 'raw/B1.txt': '' });
    await story.repro();
    expect(story.texts('made')).toEqual(['NL/123.txt: NL 123']);
  });

  test('with literal text and slashes in a time reads partitioned folders', async () => {
    const story = await openStory(`
stages:
  parts:
    cmd: echo "$date" > "$made"
    deps: {raw: "raw/{date:year=%Y/month=%m}/data.txt"}
    outs: {made: "made/{date:%Y-%m}.txt"}
`);
    story.files({ 'raw/year=2024/month=05/data.txt': '', 'raw/year=2024/month=13/data.txt': '' });
    await story.repro();
    expect(story.texts('made')).toEqual(['2024-05.txt: 2024-05']);
  });

  test('of weeks gives ISO weeks', async () => {
    const story = await openStory(`
stages:
  weekly:
    cmd: echo "$w" > "$made"; cat $(cat "$DATAWF_INPUTS") >> "$made"
    deps: {raw: "raw/{w:%Y-%m-%d}.txt"}
    outs: {made: "weeks/{w:%G-W%V}.txt"}
`);
    story.files({
      'raw/2024-12-29.txt': 'sunday\n',
      'raw/2024-12-30.txt': 'monday\n',
      'raw/2025-01-01.txt': 'new\n',
    });
    await story.repro();
    expect(story.texts('weeks')).toEqual([
      '2024-W52.txt: 2024-W52\nsunday',
      '2025-W01.txt: 2025-W01\nmonday\nnew',
    ]);
  });

  test('refuses a path with two readings and shows both', async () => {
    const story = await openStory(`
stages:
  split:
    cmd: 'true'
    deps: {raw: "raw/{a}-{b}.txt"}
    outs: {made: "made/{a}/{b}.txt"}
`);
    story.files({ 'raw/x-y-z.txt': '' });
    const { code, error } = await story.repro();
    expect([code, error?.error]).toEqual([2, 'ambiguous-path']);
    expect(error?.message).toContain('raw/x-y-z.txt');
    expect(error?.message).toContain('x-y');
    expect(error?.message).toContain('y-z');
  });

  test('of an out must read back to its datum', async () => {
    const story = await openStory(`
stages:
  glue:
    cmd: 'true'
    matrix: {a: [x-y], b: [z]}
    outs: {made: "made/{a}-{b}.txt"}
`);
    expect((await story.repro()).error).toMatchObject({ exit: 2 });
  });
});

describe('no file is lost in silence', () => {
  test('status counts files that reach no datum, with their reason', async () => {
    const story = await openStory(`
stages:
  pick:
    cmd: cat "$raw" > "$made"
    deps: {raw: "raw/{kind}-{n:2}.txt", fix: "fix/{kind}.txt"}
    matrix: {kind: [a, b]}
    outs: {made: "made/{kind}-{n}.txt"}
`);
    story.files({
      'raw/a-01.txt': '',
      'raw/b-01.txt': '',
      'raw/c-01.txt': '',
      'raw/notes.md': '',
      'fix/a.txt': '',
    });
    const run = await story.repro();
    expect(run.counts).toEqual({ planned: 2, ran: 1, waiting: 1 });
    const { deps } = await story.stage('pick');
    expect(deps['raw']).toEqual({
      files: 4,
      used: 1,
      unmatched: 1,
      unpaired: 1,
      outside: 1,
      examples: { unmatched: ['raw/notes.md'], unpaired: ['raw/b-01.txt'], outside: ['raw/c-01.txt'] },
    });
  });

  test('none used of some is a warning of repro itself', async () => {
    const story = await openStory(`
stages:
  pick:
    cmd: cat "$raw" > "$made"
    deps: {raw: "raw/{date:%Y-%m-%d}.csv"}
    outs: {made: "made/{date:%Y-%m-%d}.csv"}
`);
    story.files({ 'raw/20240101.csv': '', 'raw/20240102.csv': '' });
    const run = await story.repro();
    expect(run.code).toBe(0);
    expect(run.warnings).toEqual(['stage pick uses none of the 2 files of its dep raw']);
  });
});

describe('idioms', () => {
  test('explode a table into a file per row, then join: only changed rows run', async () => {
    const story = await openStory(`
stages:
  rows:
    cmd: while IFS=, read -r id rest; do echo "$rest" > "$rows/$id.txt"; done < "$table"
    deps: {table: stations.csv}
    outs: {rows: rows/}
  each:
    cmd: cat "$row" "$raw" > "$made"
    deps: {row: "rows/{id}.txt", raw: "raw/{id}.txt"}
    outs: {made: "made/{id}.txt"}
`);
    story.files({ 'stations.csv': 'a,1\nb,2\nc,3\n', 'raw/a.txt': 'A', 'raw/b.txt': 'B', 'raw/c.txt': 'C' });
    expect((await story.repro()).ran).toEqual(['each id=a', 'each id=b', 'each id=c', 'rows']);
    story.write('stations.csv', 'a,1\nb,9\n');
    const run = await story.repro();
    expect(run.ran).toEqual(['each id=b', 'rows']);
    expect(story.texts('made')).toEqual(['a.txt: 1\nA', 'b.txt: 9\nB']);
  });

  test('shuffle by a directory per datum with target names inside, collected by a star', async () => {
    const story = await openStory(`
stages:
  split:
    cmd: while read -r word; do echo "$date" > "$parts/$word.txt"; done < "$raw"
    deps: {raw: "raw/{date:%Y-%m-%d}.txt"}
    outs: {parts: "parts/{date:%Y-%m-%d}/"}
  gather:
    cmd: ${LIST}
    deps: {parts: "parts/*/{word}.txt"}
    outs: {made: "words/{word}.txt"}
`);
    story.files({ 'raw/2024-01-01.txt': 'sun\nrain\n', 'raw/2024-01-02.txt': 'sun\n' });
    await story.repro();
    expect(story.texts('words')).toEqual(['rain.txt: 2024-01-01', 'sun.txt: 2024-01-01\n2024-01-02']);
    story.write('raw/2024-01-02.txt', 'snow\n');
    expect((await story.repro()).ran).toEqual([
      'gather word=snow',
      'gather word=sun',
      'split date=2024-01-02',
    ]);
    expect(story.texts('words')).toEqual([
      'rain.txt: 2024-01-01',
      'snow.txt: 2024-01-02',
      'sun.txt: 2024-01-01',
    ]);
  });
});

describe('producers', () => {
  test('two of one path are an error when the definition proves it', async () => {
    const story = await openStory(`
stages:
  one:
    cmd: 'true'
    matrix: {d: [a]}
    outs: {x: "made/{d}.txt"}
  two:
    cmd: 'true'
    matrix: {e: [a]}
    outs: {y: "made/{e}.txt"}
`);
    const { error } = await story.repro();
    expect(error).toMatchObject({ error: 'two-producers', exit: 2, file: 'datawf.yaml', line: 10 });
    expect(error?.message).toMatch(/stage two .* stage one/);
  });

  test('two of one path are an error when it happens, naming both', async () => {
    const story = await openStory(`
stages:
  one:
    cmd: echo 1 > "$x"
    deps: {a: "a/{d}.txt"}
    outs: {x: "made/{d}-x.txt"}
  two:
    cmd: echo 2 > "$y"
    deps: {b: "b/{e}.txt"}
    outs: {y: "made/x-{e}.txt"}
`);
    story.files({ 'a/x.txt': '', 'b/x.txt': '' });
    const run = await story.repro('-j', '1');
    expect(run.code).toBe(3);
    const failed = run.events.flatMap((event) =>
      event.event === 'datum-end' && event.state === 'failed' ? [event.message ?? ''] : [],
    );
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatch(/^made\/x-x\.txt is written by stage (one|two) and by stage (one|two)/);
  });

  test('of different files may share a home', async () => {
    const story = await openStory(`
stages:
  one:
    cmd: cp "$a" "$x"
    deps: {a: "a/{d}.txt"}
    outs: {x: "made/{d}.one"}
  two:
    cmd: cp "$a" "$y"
    deps: {a: "a/{d}.txt"}
    outs: {y: "made/{d}.two"}
  all:
    cmd: ls "$made" > "$list"
    deps: {made: made/}
    outs: {list: list.txt}
`);
    story.files({ 'a/1.txt': 'x', 'a/2.txt': 'y' });
    expect((await story.repro()).counts).toEqual({ planned: 5, ran: 5 });
    expect(story.read('list.txt')).toBe('1.one\n1.two\n2.one\n2.two\n');
    story.remove('a/2.txt');
    expect((await story.repro()).ran).toEqual(['all']);
    expect(story.texts('made')).toEqual(['1.one: x', '1.two: x']);
  });
});

describe('a dep sees', () => {
  test('files that git tracks, that add recorded, and plain ones; status names the plain ones', async () => {
    const story = await openStory(`
stages:
  all:
    cmd: cat "$tracked" "$added" "$plain" > "$made"
    deps: {tracked: t/x.txt, added: a/x.txt, plain: p/x.txt}
    outs: {made: made.txt}
`);
    story.files({ 't/x.txt': 't\n', 'a/x.txt': 'a\n', 'p/x.txt': 'p\n' });
    await story.git('add', 't');
    await story.succeed('add', 'a');
    await story.repro();
    expect(story.read('made.txt')).toBe('t\na\np\n');
    const status = await story.succeed('status', '--json');
    expect(status.json().plain).toEqual({ count: 1, paths: ['p/x.txt'] });
  });

  test('nothing where nobody makes it: an error with the place', async () => {
    const story = await openStory(`
stages:
  all:
    cmd: 'true'
    deps: {raw: "rwa/{d}.txt"}
    outs: {made: "made/{d}.txt"}
`);
    story.write('raw/1.txt', '');
    await story.succeed('add', 'raw');
    const { error } = await story.repro();
    expect(error).toMatchObject({ error: 'nobody-makes', exit: 2, file: 'datawf.yaml', line: 5 });
    expect(error?.hint).toContain('raw');
  });

  test('a directory that a datum left empty', async () => {
    const story = await openStory(`
stages:
  empty:
    cmd: 'true'
    outs: {parts: parts/}
  next:
    cmd: 'true'
    deps: {parts: "parts/{x}.txt"}
    outs: {made: "made/{x}/"}
`);
    expect(await story.repro()).toMatchObject({ code: 0, counts: { planned: 1, ran: 1 } });
    expect(datums(await story.stage('next'))).toEqual({});
    expect(await story.repro()).toMatchObject({ code: 0, counts: { skipped: 1 } });
  });
});
