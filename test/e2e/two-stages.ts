import { openStory, type Story } from './story.ts';

/** Days cleaned one by one, and a report of all. */
export const PIPELINE = `
stages:
  clean:
    cmd: tr a-z A-Z < "$raw" > "$clean"
    deps: {raw: "raw/{date:%Y-%m-%d}.csv"}
    outs: {clean: "clean/{date:%Y-%m-%d}.csv"}
  report:
    cmd: cat "$all"/* > "$report"
    deps: {all: clean/}
    outs: {report: report.txt}
`;

/** A repository with three days of data, run and committed; `url` is its one store besides the local one. */
export async function openTwoStages(url: (story: Story) => string): Promise<Story> {
  const story = await openStory(PIPELINE);
  for (const day of ['01', '02', '03']) story.write(`raw/2024-01-${day}.csv`, `row ${day}\n`);
  await story.succeed('add', 'raw');
  await story.succeed('config', 'set', 'stores.shared.url', url(story));
  await story.succeed('repro');
  await story.git('add', '--all');
  await story.git('commit', '--quiet', '-m', 'one');
  return story;
}
