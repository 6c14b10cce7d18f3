import type { AppContext } from '../app/ports.ts';
import type { RunPorts } from '../app/run-ports.ts';
import type { Emit } from '../model/event.ts';
import type { ExitCode } from '../model/problem.ts';
import type { Store } from '../store/store.ts';
import type { Look } from '../ui/look.ts';
import type { Output } from '../ui/output.ts';
import { PLAIN, type Style } from '../ui/style.ts';
import type { Globals } from './globals.ts';
import type { Host } from './host.ts';
import { createLateReporter } from './late-reporter.ts';
import type { Interrupts } from './signals.ts';

/**
 * A `question` is answered by one document; `work` tells what it does event by event, with `--json` one a line on stdout.
 */
export type Kind = 'question' | 'work';

/** One invocation: what a command's action works with. */
export interface Session {
  readonly host: Host;
  readonly globals: Globals;
  readonly signal: AbortSignal;
  readonly interrupts: Interrupts;
  readonly output: Output;
  /**
   * Opens the workspace around the current folder (or `-C`), with the environment of that name whatever the branch is.
   * Throws `no-repository`. Once per session.
   */
  open(kind?: Kind, environment?: string): Promise<AppContext>;
  /** The same around another folder, for work. */
  openAt(folder: string): Promise<AppContext>;
  /** Runner and history of an opened workspace, loaded when they are asked for. */
  ports(context: AppContext): Promise<RunPorts>;
  /** Prints the answer to a question: the document with `--json`, else the screen's text. */
  answer(document: unknown, screen: Screen): Promise<void>;
  /** Tells what a small change did: the document with `--json`, else words on stderr. */
  report(document: unknown, text: string): void;
  /** Carries out another command line in a folder, as if typed there; throws what it throws. */
  readonly invoke: (call: Call) => Promise<ExitCode>;
  close(): Promise<void>;
}

/** A command line to carry out. */
export interface Call {
  readonly cwd: string;
  readonly argv: readonly string[];
  /** Where its output goes; the session's own without it. */
  readonly output?: Output;
}

/** Makes the text of an answer. */
export type Screen = (look: Look) => string | Promise<string>;

/** What an action answers; nothing means 0. */
export type Exit = ExitCode | undefined;

/** Carries out a command: its arguments in their order, and its options by their camel-case names. */
export type Action<Words extends unknown[], Options> = (
  session: Session,
  words: Words,
  options: Options,
) => Promise<Exit>;

/** Turns an action into what commander calls. */
export type Bind = <Words extends unknown[], Options>(
  action: Action<Words, Options>,
) => (...all: unknown[]) => Promise<void>;

/** What a session is opened with. */
export type SessionParts = Pick<Session, 'host' | 'globals' | 'signal' | 'interrupts' | 'output' | 'invoke'>;

/** Opens the session of an invocation. The heavy parts are loaded when first asked for. */
export function openSession(parts: SessionParts): Session {
  const { host, globals, signal, interrupts, output, invoke } = parts;
  let context: AppContext | undefined;
  const styleFor = async (stream: NodeJS.WriteStream): Promise<Style> => {
    const { wantsColor, loadStyle } = await import('../ui/style.ts');
    const wanted = wantsColor({ stream, flag: globals.color, env: host.env, config: context?.config.color });
    return wanted ? await loadStyle() : PLAIN;
  };
  let kind: Kind = 'question';
  const openFrom = async (at: Pick<SessionParts, 'host' | 'globals'>, environment?: string) => {
    const { openContext } = await import('./context.ts');
    const onStore = (store: Store): void => void stores.add(store);
    context = openContext({ ...at, signal, emit, environment, onStore });
    if (kind === 'work') await reporter.load();
    return context;
  };
  const reporter = createLateReporter(async () => {
    const { openReporter } = await import('../ui/reporter.ts');
    const { json, quiet, verbose } = globals;
    const style = await styleFor(host.stderr);
    return openReporter({ kind, json, quiet, verbose, output, style, now: host.now });
  });
  const stores = new Set<Store>();
  const told = new Set<string>();
  const tellNotices = (): void => {
    for (const message of [...stores].flatMap((store) => store.notices ?? [])) {
      if (told.has(message)) continue;
      told.add(message);
      reporter.emit({ event: 'warning', code: 'store-notice', message });
    }
  };
  // With --json the end is the last line.
  const emit: Emit = (event) => {
    if (event.event === 'end') tellNotices();
    reporter.emit(event);
  };
  return {
    host,
    globals,
    signal,
    interrupts,
    output,
    invoke,
    open: async (asked = 'question', environment?: string) => {
      if (context !== undefined) return context;
      kind = asked;
      return await openFrom({ host, globals }, environment);
    },
    openAt: async (folder) => {
      kind = 'work';
      return await openFrom({ host: { ...host, cwd: folder }, globals: { ...globals, dir: undefined } });
    },
    ports: async (opened) => {
      const { openRunPorts } = await import('./context.ts');
      const findAsker = async () => (await import('./ask-wish.ts')).askWish(host);
      return openRunPorts(opened, { userId: host.userId, interrupts, findAsker });
    },
    answer: async (document, screen) => {
      if (globals.json) {
        output.json(document);
        return;
      }
      const style = await styleFor(host.stdout);
      output.data(await screen({ style, verbose: globals.verbose, now: host.now() }));
    },
    report: (document, text) => {
      if (globals.json) output.json(document);
      else if (!globals.quiet) output.words(text);
    },
    close: async () => {
      if (kind === 'question') tellNotices();
      await reporter.close();
    },
  };
}
