import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Runner } from '../../src/run/runner.ts';
import { dep, out, printed, tryCommand, type RunnerRig } from '../rig/runner-rig.ts';

/** What every runner must do; the comment of the port and docs/running.md say it in words. */
export function runnerContract(
  name: string,
  make: () => Promise<{ rig: RunnerRig; runner: Runner }>,
  { knowsWorkingTree } = { knowsWorkingTree: true },
): void {
  describe(`the ${name} runner`, () => {
    let rig: RunnerRig;
    let runner: Runner;
    beforeEach(async () => {
      ({ rig, runner } = await make());
    });
    afterEach(async () => {
      await runner.close();
      rig.remove();
    });

    describe('shows a command what is declared', () => {
      it('finds its code and deps at their repository paths and nothing else', async () => {
        rig.plain('secret.txt', 'not declared');
        const trial = await tryCommand(runner, 'find . -type f | sort', {
          code: [rig.plain('lib/code.sh', 'true')],
          deps: [dep('raw', await rig.stored('data/raw/1.csv', 'one'))],
        });
        expect(printed(trial)).toBe('./data/raw/1.csv\n./lib/code.sh');
      });

      it('gives it exactly the named variables', async () => {
        const trial = await tryCommand(
          runner,
          'env | cut -d= -f1 | grep -v -e ^PWD -e ^_ -e ^SHLVL -e ^OLDPWD | sort | tr "\\n" " "',
          {
            env: { MODE: 'fast', clean_threshold: '3' },
            secrets: { TOKEN: 'hush-hush' },
            captures: { date: '2024-01-01' },
            deps: [dep('raw', await rig.stored('data/1.csv', 'one'))],
            outs: [out('clean', 'clean.csv', { optional: true })],
          },
        );
        expect(printed(trial).trim().split(' ')).toEqual(
          'DATAWF_INPUTS DATAWF_INPUTS_raw HOME LC_ALL MODE PATH PYTHONDONTWRITEBYTECODE TMPDIR TOKEN TZ clean clean_threshold date raw'.split(
            ' ',
          ),
        );
      });

      it('works in the folder of its datawf.yaml, with paths that work from there', async () => {
        const trial = await tryCommand(runner, 'cat "$near" "$far" > "$made"; echo "$near $far $made"', {
          stage: { base: 'sub' },
          deps: [
            dep('near', await rig.stored('sub/data/1.csv', 'one ')),
            dep('far', await rig.stored('data/2.csv', 'two')),
          ],
          outs: [out('made', 'out/3.csv')],
        });
        expect(trial).toMatchObject({ state: 'ok', outs: [{ path: 'out/3.csv', size: 7 }] });
        expect(printed(trial)).toBe('data/1.csv ../data/2.csv ../out/3.csv');
      });

      it('makes the folder of a directory out', async () => {
        const trial = await tryCommand(runner, 'test -d "$parts"', {
          outs: [out('parts', 'data/parts', { directory: true })],
        });
        expect(trial).toMatchObject({ state: 'ok', outs: [] });
      });

      it('names the folder of a collected dep, and leaves an optional dep without files empty', async () => {
        const one = await rig.stored('data/raw/1.csv', 'one');
        const two = await rig.stored('data/raw/2.csv', 'two');
        const trial = await tryCommand(
          runner,
          'ls "$raw"; echo "[$fix]"; cat "$DATAWF_INPUTS_raw"; wc -l < "$DATAWF_INPUTS"',
          {
            deps: [
              { name: 'raw', value: 'data/raw', files: [one, two] },
              { name: 'fix', value: '', files: [] },
            ],
          },
        );
        expect(printed(trial).replaceAll(' ', '')).toBe(
          '1.csv\n2.csv\n[]\ndata/raw/1.csv\ndata/raw/2.csv\n2',
        );
      });

      it.runIf(knowsWorkingTree)('fails an undeclared read and says what to declare', async () => {
        rig.plain('config.txt', 'x');
        const trial = await tryCommand(runner, 'cat config.txt');
        expect(trial).toMatchObject({ state: 'failed', class: 'user', code: 'exit', exit: 1, retry: true });
        expect(trial).toHaveProperty('hint', expect.stringContaining('config.txt is in the repository'));
      });

      it('passes the items of a list as they are, and replaces those that are exactly a name', async () => {
        const trial = await tryCommand(runner, ['printf', '%s|', '$date', '$date x', '$(date)', ''], {
          captures: { date: 'a b' },
        });
        expect(printed(trial)).toBe('a b|$date x|$(date)||');
      });
    });

    describe('keeps what a command writes', () => {
      it('answers outputs as objects of the store, with the executable bit', async () => {
        const trial = await tryCommand(
          runner,
          'echo one > "$a"; mkdir "$b/deep"; echo two > "$b/deep/x"; chmod +x "$b/deep/x"',
          {
            outs: [out('a', 'made/a.txt'), out('b', 'made/b', { directory: true })],
          },
        );
        expect(trial).toMatchObject({
          state: 'ok',
          outs: [
            { path: 'made/a.txt', kind: 'f', size: 4 },
            { path: 'made/b/deep/x', kind: 'x', size: 4 },
          ],
          usage: { bytesOut: 8 },
        });
        if (trial.state === 'ok') expect(await rig.readObject(trial.outs[1]!.digest)).toBe('two\n');
      });

      it('leaves out system files and empty folders', async () => {
        const trial = await tryCommand(
          runner,
          'mkdir -p "$d/none"; echo > "$d/.DS_Store"; echo > "$d/._x"; echo > .DS_Store; mkdir -p scrap/scrap',
          {
            outs: [out('d', 'd', { directory: true })],
          },
        );
        expect(trial).toMatchObject({ state: 'ok', outs: [] });
      });

      it('takes a link for the file it points to', async () => {
        const trial = await tryCommand(runner, 'echo x > "$d/a"; ln -s a "$d/b"; ln -s "$PWD/in.txt" "$f"', {
          deps: [dep('in', await rig.stored('in.txt', 'input'))],
          outs: [out('d', 'd', { directory: true }), out('f', 'f.txt')],
        });
        expect(trial).toMatchObject({
          state: 'ok',
          outs: [
            { path: 'd/a', kind: 'f' },
            { path: 'd/b', kind: 'f' },
            { path: 'f.txt', kind: 'f', size: 5 },
          ],
        });
      });

      it('takes hard links to an input as files of their own', async () => {
        const trial = await tryCommand(runner, 'ln "$in" "$a"; ln "$in" "$b"', {
          deps: [dep('in', await rig.stored('in.txt', 'input'))],
          outs: [out('a', 'a.txt'), out('b', 'b.txt')],
        });
        expect(trial).toMatchObject({
          state: 'ok',
          outs: [
            { path: 'a.txt', size: 5 },
            { path: 'b.txt', size: 5 },
          ],
        });
      });
    });

    describe('fails a datum', () => {
      const fails = async (
        cmd: string | readonly string[],
        expected: object,
        options = {},
      ): Promise<void> => {
        expect(await tryCommand(runner, cmd, options)).toMatchObject({ state: 'failed', ...expected });
      };

      it('whose out is missing, naming the path', async () => {
        await fails(
          'true',
          { code: 'out-missing', paths: ['made/a.txt'] },
          { outs: [out('a', 'made/a.txt')] },
        );
      });

      it('but not for an optional out', async () => {
        const trial = await tryCommand(runner, 'true', { outs: [out('a', 'a.txt', { optional: true })] });
        expect(trial).toMatchObject({ state: 'ok', outs: [] });
      });

      it('that writes outside its outs, naming the path', async () => {
        await fails(
          'echo x > "$a"; mkdir -p lib; echo y > lib/extra.txt',
          { code: 'undeclared-write', paths: ['lib/extra.txt'], retry: false },
          { outs: [out('a', 'a.txt')] },
        );
      });

      it('that writes beside its out', async () => {
        await fails(
          'echo x > made/b.txt',
          { code: 'out-missing', message: expect.stringContaining('it wrote made/b.txt instead') as string },
          { outs: [out('a', 'made/a.txt')] },
        );
      });

      it.each([
        ['overwrites', 'chmod u+w in.txt; echo more >> in.txt'],
        ['replaces', 'rm -f in.txt; echo input > in.txt'],
        ['removes', 'rm -f in.txt'],
      ])('that %s an input, and the store stays whole', async (_what, cmd) => {
        const file = await rig.stored('in.txt', 'input');
        await fails(
          cmd,
          { class: 'user', code: 'input-changed', paths: ['in.txt'], retry: false },
          { deps: [dep('in', file)] },
        );
      });

      it('that writes a file where a directory is declared, or a directory for a file', async () => {
        await fails(
          'rmdir "$d"; echo x > "$d"',
          { code: 'out-kind', paths: ['d'] },
          { outs: [out('d', 'd', { directory: true })] },
        );
        await fails('mkdir "$a"', { code: 'out-kind', paths: ['a.txt'] }, { outs: [out('a', 'a.txt')] });
      });

      it('that leaves a pipe, or a link that leads outside or nowhere', async () => {
        const outs = [out('d', 'd', { directory: true })];
        await fails('mkfifo "$d/pipe"', { code: 'out-kind', paths: ['d/pipe'] }, { outs });
        await fails('ln -s /etc/passwd "$d/l"', { code: 'out-link', paths: ['d/l'] }, { outs });
        await fails('ln -s nowhere "$d/l"', { code: 'out-link', paths: ['d/l'] }, { outs });
        await fails('ln -s . "$d/l"', { code: 'out-link', paths: ['d/l'] }, { outs });
      });

      it('that writes names which cannot be kept', async () => {
        const outs = [out('d', 'd', { directory: true })];
        await fails(`touch "$d/a\nb"`, { code: 'bad-name' }, { outs });
        await fails(String.raw`touch "$d/a\\b"`, { code: 'bad-name' }, { outs });
        await fails(String.raw`touch "$d/$(printf 'a\377')"`, { code: 'bad-name' }, { outs });
      });

      it('whose command is not there, with its name and no further try', async () => {
        await fails('no-such-tool --help', {
          code: 'command-not-found',
          message: 'the command no-such-tool was not found',
          retry: false,
        });
        await fails(['no-such-tool'], {
          code: 'command-not-found',
          message: 'the command no-such-tool was not found',
          retry: false,
        });
      });

      it('whose command may not be executed', async () => {
        const code = [rig.plain('run.sh', 'true')];
        await fails(
          './run.sh',
          { code: 'not-executable', message: './run.sh may not be executed', retry: false },
          { code },
        );
        await fails(['./run.sh'], { code: 'not-executable', retry: false }, { code });
      });

      it('that a signal ended, by its name', async () => {
        await fails('kill -TERM $$', { class: 'user', code: 'signal', signal: 'SIGTERM' });
        await fails('kill -KILL $$', {
          code: 'signal',
          message: expect.stringContaining('when memory runs out') as string,
        });
      });

      it('that takes longer than its timeout', async () => {
        await fails('sleep 60', { class: 'timeout', code: 'timeout' }, { stage: { timeoutSeconds: 0.05 } });
      });

      it('with the end of its stderr', async () => {
        const trial = await tryCommand(runner, 'seq 1 5000 >&2; exit 3');
        expect(trial).toMatchObject({ state: 'failed', exit: 3 });
        if (trial.state === 'failed') {
          expect(trial.stderr.endsWith('4999\n5000\n')).toBe(true);
          expect(Buffer.byteLength(trial.stderr)).toBe(2048);
        }
      });
    });

    it('takes exit 75 for "not yet"', async () => {
      expect(await tryCommand(runner, 'exit 75', { outs: [out('a', 'a.txt')] })).toMatchObject({
        state: 'waiting',
      });
    });

    it('hides secrets in log, stderr and message', async () => {
      const trial = await tryCommand(runner, 'echo "token=$TOKEN"; echo "$TOKEN" >&2; touch "file-$TOKEN"', {
        secrets: { TOKEN: 'hush-hush' },
      });
      expect(JSON.stringify(trial)).not.toContain('hush-hush');
      expect(printed(trial)).toBe('token=***');
      expect(trial).toMatchObject({ paths: ['file-***'], stderr: '***\n' });
    });

    it('logs lines of both streams with their times', async () => {
      const trial = await tryCommand(runner, 'echo a; echo b >&2; printf c');
      expect(trial.lines.map((line) => `${line.stream} ${line.text}`).sort()).toEqual([
        'err b',
        'out a',
        'out c',
      ]);
      for (const line of trial.lines) expect(line.time).toBeGreaterThanOrEqual(trial.usage.started);
    });

    it('shows each datum only its own files, also in a place used before', async () => {
      const first = await tryCommand(runner, 'echo x > "$TMPDIR/t"; echo x > "$HOME/h"; echo y > "$o"', {
        deps: [dep('in', await rig.stored('parts/1/a.csv', 'a'))],
        outs: [out('o', 'o/1.txt')],
      });
      expect(first).toMatchObject({ state: 'ok' });
      const second = await tryCommand(runner, 'find . | sort; find "$TMPDIR" "$HOME" -type f', {
        deps: [dep('in', await rig.stored('parts/2/a.csv', 'a'))],
        outs: [out('o', 'o/2.txt', { optional: true })],
      });
      expect(printed(second)).toBe('.\n./o\n./parts\n./parts/2\n./parts/2/a.csv');
    });
  });
}
