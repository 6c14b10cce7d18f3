import { CODE_WIDTH } from './time-format.ts';
import type { Token } from './pattern-syntax.ts';

/** What one character may be: a given one, or a class. */
type Unit = string | typeof DIGIT | typeof NO_SLASH | typeof ANY;

/** A step of the automaton: `stay` reads any number, `one` reads one and goes on, `skip` also goes on over so many steps. */
interface Step {
  readonly stay: Unit | undefined;
  readonly one: Unit | undefined;
  readonly skip: number;
}

const DIGIT = 0;
const NO_SLASH = 1;
const ANY = 2;

/**
 * Whether some text fits both lists of tokens, values and dates aside; a list that ends in `/` stands for everything
 * below. Walks the product of two small automata: at worst (characters of a) × (characters of b) steps.
 */
export function tokensMeet(a: readonly Token[], b: readonly Token[]): boolean {
  if (!headsAgree(a[0], b[0])) return false;
  return automataMeet(stepsOf(a), stepsOf(b));
}

function headsAgree(a: Token | undefined, b: Token | undefined): boolean {
  if (a?.kind !== 'text' || b?.kind !== 'text') return true;
  return a.text.length < b.text.length ? b.text.startsWith(a.text) : a.text.startsWith(b.text);
}

function stepsOf(tokens: readonly Token[]): Step[] {
  const steps: Step[] = [];
  const one = (unit: Unit): number => steps.push({ stay: undefined, one: unit, skip: 0 });
  const loop = (unit: Unit): number => steps.push({ stay: unit, one: undefined, skip: 1 });
  for (const token of tokens) {
    switch (token.kind) {
      case 'text':
        for (const character of token.text) one(character);
        break;
      case 'part':
        for (let digit = 0; digit < CODE_WIDTH[token.code]; digit++) one(DIGIT);
        break;
      case 'value':
        for (let width = 0; width < (token.width ?? 1); width++) one(NO_SLASH);
        if (token.width === undefined) loop(NO_SLASH);
        break;
      case 'star':
        loop(NO_SLASH);
        break;
      case 'folders':
        steps.push({ stay: undefined, one: ANY, skip: 3 });
        loop(ANY);
        one('/');
        break;
    }
  }
  const last = tokens.at(-1);
  if (last?.kind === 'folders' || (last?.kind === 'text' && last.text.endsWith('/'))) {
    one(ANY);
    loop(ANY);
  }
  return steps;
}

function automataMeet(a: readonly Step[], b: readonly Step[]): boolean {
  const width = b.length + 1;
  const seen = new Uint8Array((a.length + 1) * width);
  const open: number[] = [];
  const visit = (i: number, j: number): void => {
    const at = i * width + j;
    if (seen[at] === 1) return;
    seen[at] = 1;
    open.push(at);
  };
  visit(0, 0);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const i = Math.floor(at / width);
    const j = at % width;
    const x = a[i];
    const y = b[j];
    if (x === undefined && y === undefined) return true;
    if (x !== undefined && x.skip > 0) visit(i + x.skip, j);
    if (y !== undefined && y.skip > 0) visit(i, j + y.skip);
    if (x === undefined || y === undefined) continue;
    if (meets(x.one, y.one)) visit(i + 1, j + 1);
    if (meets(x.one, y.stay)) visit(i + 1, j);
    if (meets(x.stay, y.one)) visit(i, j + 1);
  }
  return false;
}

function meets(a: Unit | undefined, b: Unit | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (typeof a === 'string') return typeof b === 'string' ? a === b : fits(a, b);
  return typeof b === 'string' ? fits(b, a) : true;
}

function fits(character: string, unit: typeof DIGIT | typeof NO_SLASH | typeof ANY): boolean {
  if (unit === DIGIT) return character >= '0' && character <= '9';
  return unit === ANY || character !== '/';
}
