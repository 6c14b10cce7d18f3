import { GROUPS, type Group } from './commands/entry.ts';
import { TABLE } from './commands/table.ts';

const TITLES: Readonly<Record<Group, string>> = {
  starting: 'Starting',
  data: 'Data',
  running: 'Running',
  moving: 'Moving data',
  history: 'History',
  upkeep: 'Upkeep',
};

/** Help over all commands, in groups. */
export function rootHelp(): string {
  const width = Math.max(...TABLE.map((row) => row.name.length));
  const groups = GROUPS.map((group) => {
    const rows = TABLE.filter((row) => row.group === group);
    return [`${TITLES[group]}:`, ...rows.map((row) => `  ${row.name.padEnd(width)}  ${row.summary}`)].join(
      '\n',
    );
  });
  return `datawf: a git companion for data. Versions datasets and reruns only what their changes make stale.

Usage: datawf COMMAND [options]

${groups.join('\n\n')}

Options of every command:
  -C, --dir DIR   work in this folder instead of the current one
  -j, --jobs N    things done at once
  --json          machine-readable output on stdout
  -q, --quiet     only errors
  -v, --verbose   more words; stack traces of unexpected errors
  --no-color      no colors
  -y, --yes       answer questions with yes
  -h, --help      help of a command
  --version       print the version

Every option can come from a variable too: --fail-fast is DATAWF_FAIL_FAST=1.

Start with:
  datawf demo     a small real project to look at
  datawf init     in a git repository of your own
`;
}
