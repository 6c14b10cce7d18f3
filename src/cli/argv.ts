import type { CommandEntry } from './commands/entry.ts';
import { GROUPED, HIDDEN, TABLE } from './commands/table.ts';

/** What a first look at the arguments says, before any command's module is loaded. */
export interface Split {
  /** The command named, by one word or two (`stage add`). */
  readonly entry: CommandEntry | undefined;
  /** The words where a command's name was expected and none fits; empty where there is no word at all. */
  readonly words: readonly string[];
  /** All arguments without the command's name: flags before the verb count like flags after it. */
  readonly rest: readonly string[];
  /** `--json` was given, so that even an error of usage can be told in JSON. */
  readonly json: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

const TAKES_VALUE = new Set(['-C', '--dir', '-j', '--jobs']);

/** Finds the verb among the arguments: the first word that is neither a flag nor the value of a global flag. */
export function splitArgv(argv: readonly string[]): Split {
  const places = wordPlaces(argv);
  const first = places[0];
  const second = places[1];
  const flags = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : argv.length);
  const asked = { json: flags.includes('--json'), help: flags.some(isHelp) };
  const version = flags.slice(0, first ?? flags.length).some((flag) => flag === '--version' || flag === '-V');
  if (first === undefined) return { entry: undefined, words: [], rest: argv, ...asked, version };
  const one = argv[first] ?? '';
  const two = second === undefined ? undefined : argv[second];
  if (GROUPED.has(one)) {
    const entry = TABLE.find((row) => row.name === `${one} ${two ?? ''}`);
    const used = entry === undefined ? [first] : [first, second];
    return {
      entry,
      words: two === undefined ? [one] : [one, two],
      rest: without(argv, used),
      ...asked,
      version,
    };
  }
  return {
    entry: [...TABLE, ...HIDDEN].find((row) => row.name === one),
    words: [one],
    rest: without(argv, [first]),
    ...asked,
    version,
  };
}

/** Places of the first two plain words, as far as global flags alone tell. */
function wordPlaces(argv: readonly string[]): readonly number[] {
  const places: number[] = [];
  for (let index = 0; index < argv.length && places.length < 2; index++) {
    const word = argv[index] ?? '';
    if (word === '--') break;
    if (TAKES_VALUE.has(word)) index++;
    else if (!word.startsWith('-') || word === '-') places.push(index);
  }
  return places;
}

function without(argv: readonly string[], used: readonly (number | undefined)[]): readonly string[] {
  return argv.filter((_, index) => !used.includes(index));
}

function isHelp(flag: string): boolean {
  return flag === '--help' || flag === '-h';
}
