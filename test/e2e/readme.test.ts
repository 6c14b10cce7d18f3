import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openRig, type Rig } from './rig.ts';

const README = fileURLToPath(new URL('../../README.md', import.meta.url));
const BINARY = fileURLToPath(new URL('../../bin/datawf.js', import.meta.url));

/** A command of the README and what it says is printed; undefined where it says nothing about that. */
interface Step {
  readonly command: string;
  readonly output: string | undefined;
}

test('the first workflow by hand in the README prints what it shows', async () => {
  const rig = await openRig({ git: false });
  mkdirSync(rig.path('bin'));
  symlinkSync(BINARY, rig.path('bin/datawf'));
  const steps = stepsOf(sectionOf(readFileSync(README, 'utf8'), 'A first workflow by hand'));
  expect(steps.filter((step) => step.output !== undefined).length).toBeGreaterThan(10);
  let folder = rig.root;
  for (const { command, output } of steps) {
    const result = await type(rig, command, folder);
    expect(result.code, `${command}\n${result.printed}`).toBe(0);
    folder = result.folder;
    if (output !== undefined) expect(timeless(result.printed), command).toEqual(timeless(output));
  }
}, 120_000);

function sectionOf(markdown: string, title: string): string {
  const [, section] = markdown.split(`\n## ${title}\n`);
  if (section === undefined) throw new Error(`README.md has no section "${title}"`);
  return section.split(/\n## /)[0] ?? '';
}

/** The steps of its `sh` blocks, each one script, and of its `console` blocks, one a prompt. */
function stepsOf(section: string): Step[] {
  return [...section.matchAll(/^```(sh|console)\n(.*?)^```$/gms)].flatMap(([, kind, text = '']): Step[] =>
    kind === 'sh'
      ? [{ command: text, output: undefined }]
      : text
          .split(/^\$ /m)
          .slice(1)
          .map((step) => {
            const end = step.indexOf('\n');
            return { command: step.slice(0, end), output: step.slice(end + 1) };
          }),
  );
}

/** Types a command in a shell that is where the last one ended. */
async function type(rig: Rig, command: string, folder: string) {
  const path = `${rig.path('bin')}:${process.env['PATH'] ?? ''}`;
  const script = `cd "$FOLDER" && { ${command}\n} 2>&1 && pwd > "$ENDED"`;
  const ended = 'ended';
  const env = { PATH: path, FOLDER: folder, ENDED: rig.path(ended) };
  const { code, stdout } = await rig.run(['sh', '-c', script], { env });
  return { code, printed: stdout, folder: code === 0 ? rig.read(ended).trim() : folder };
}

/** Its lines without what differs from run to run: times, commits, and the order in which datums end. */
function timeless(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .replace(/\b[0-9.]+ s\b/g, '… s')
        .replace(/\([0-9a-f]{10}\)/, '(…)')
        .trimEnd(),
    )
    .sort();
}
