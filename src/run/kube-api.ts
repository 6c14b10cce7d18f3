import { Problem } from '../model/problem.ts';
import { growingPause } from './backoff.ts';
import {
  brokenProblem,
  isPassingBreak,
  isTransientStatus,
  kindOfForbidden,
  refusalProblem,
  statusOf,
  type KubeErrand,
} from './kube-faults.ts';
import { BrokenRequest, KubeWire, type KubeTarget, type WireAnswer } from './kube-wire.ts';
import { pause } from './pause.ts';

/** A request to the API server. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the root: `/apis/batch/v1/namespaces/x/jobs`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  /** Becomes JSON; of a PATCH a merge patch. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that an outage may last before this request gives up; the client's own without it. */
  readonly patienceMs?: number;
}

export interface KubeReply<Body> {
  readonly status: number;
  readonly body: Body;
  /** What the server warned of although it did as asked, such as Pod Security. */
  readonly warnings: readonly string[];
}

export interface KubeApiOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly random: () => number;
  /** Milliseconds that an outage may last: two minutes in a run, a few seconds for a question. */
  readonly patienceMs: number;
}

/** Milliseconds without a byte of an answer. */
const IDLE_MS = 30_000;
const PAUSES = { firstMs: 250, longestMs: 10_000 };
/** An API server that has just started forbids what it allows a moment later. */
const FORBIDDEN_AFTER_LOSS_MS = 5_000;

/**
 * Requests to one API server. What may pass (429, 5xx, broken connections) is tried again with growing pauses until the patience
 * is over; refused credentials are renewed once. Everything else is raised as a `KubeProblem`. Writes are checked strictly.
 */
export class KubeApi {
  readonly #wire: KubeWire;
  readonly #options: KubeApiOptions;
  #lostAt = -Infinity;

  constructor(target: KubeTarget, options: KubeApiOptions) {
    this.#wire = new KubeWire(target, options.now);
    this.#options = options;
  }

  /** Name of the kubeconfig's context, for messages. */
  get context(): string {
    return this.#wire.target.context;
  }

  /** The namespace that the context names. */
  get namespace(): string | undefined {
    return this.#wire.target.namespace;
  }

  async get<Body>(path: string, query?: KubeRequest['query'], signal?: AbortSignal): Promise<Body> {
    return (await this.request<Body>({ method: 'GET', path, ...(query && { query }), signal })).body;
  }

  /** The same where an absent thing is an answer. */
  async find<Body>(
    path: string,
    query?: KubeRequest['query'],
    signal?: AbortSignal,
  ): Promise<Body | undefined> {
    try {
      return await this.get<Body>(path, query, signal);
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  async request<Body>(request: KubeRequest): Promise<KubeReply<Body>> {
    const { text, status, warnings } = await this.#ask(request);
    return { status, warnings, body: (text === '' ? {} : JSON.parse(text)) as Body };
  }

  /** An answer that is no JSON, such as a log. */
  async text(request: KubeRequest): Promise<string> {
    return (await this.#ask(request)).text;
  }

  /**
   * A GET whose answer comes line by line until the server ends it; one try. Raises as `request` does, and `cluster-unreachable`
   * where it broke off or nothing came for `idleMs`.
   */
  async stream(
    request: Pick<KubeRequest, 'path' | 'query' | 'signal'>,
    { idleMs, onLine }: { readonly idleMs: number; readonly onLine: (line: string) => void },
  ): Promise<void> {
    const errand = this.#errand('GET', request.path);
    const path = pathOf(request);
    const { signal } = request;
    for (let renewed = false; ; renewed = true) {
      const answer = await this.#once(errand, () =>
        this.#wire.send({ method: 'GET', path, headers: {}, body: undefined, idleMs, signal, onLine }),
      );
      if (answer.status === 200) return;
      if (answer.status === 401 && !renewed) {
        this.#wire.renew();
        continue;
      }
      throw refusalProblem(answer.status, statusOf(answer.text, answer.status), errand);
    }
  }

  close(): void {
    this.#wire.close();
  }

  async #ask(request: KubeRequest): Promise<WireAnswer> {
    const { method, signal } = request;
    const errand = this.#errand(method, request.path);
    const headers = bodyHeaders(request);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const path = pathOf({ ...request, query: fullQuery(request) });
    const until = this.#options.now() + (request.patienceMs ?? this.#options.patienceMs);
    let renewed = false;
    for (let failed = 0; ; failed++) {
      let wait = growingPause(failed, PAUSES, this.#options.random);
      try {
        const answer = await this.#once(errand, () =>
          this.#wire.send({ method, path, headers, body, idleMs: IDLE_MS, signal }),
        );
        if (answer.status < 300) return answer;
        const said = statusOf(answer.text, answer.status);
        if (answer.status === 401 && !renewed) {
          renewed = true;
          this.#wire.renew();
          continue;
        }
        const problem = refusalProblem(answer.status, said, errand);
        if (!isTransientStatus(answer.status) && !this.#isJustBack(answer.status, said.message))
          throw problem;
        if (this.#options.now() >= until) throw problem;
        wait = Math.max(wait, Math.min(answer.retryAfterMs ?? 0, 30_000));
      } catch (error) {
        if (!hasStatus(error, 0)) throw error;
        if (!isPassingBreak(error.reason) || this.#options.now() >= until) throw error;
      }
      await pause(Math.min(wait, Math.max(0, until - this.#options.now())), signal);
    }
  }

  async #once(errand: KubeErrand, send: () => Promise<WireAnswer>): Promise<WireAnswer> {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof BrokenRequest)) throw error;
      this.#lostAt = this.#options.now();
      this.#wire.renew();
      throw brokenProblem(error.kind, errand, error.cause);
    }
  }

  #isJustBack(status: number, message: string): boolean {
    if (status !== 403 || kindOfForbidden(message) !== 'rbac') return false;
    return this.#options.now() - this.#lostAt < FORBIDDEN_AFTER_LOSS_MS;
  }

  #errand(method: string, path: string): KubeErrand {
    const { server, context } = this.#wire.target;
    return { method, path, server: server.origin, context };
  }
}

/** Whether an error is the API server's refusal with that status; 0 for no whole answer. */
export function hasStatus(error: unknown, status: number): error is Problem & { readonly reason: string } {
  return error instanceof Problem && 'status' in error && error.status === status;
}

/** Writes are checked strictly, so that no misspelt field is dropped in silence. */
function fullQuery({ method, query }: KubeRequest): KubeRequest['query'] & object {
  const isWrite = method === 'POST' || method === 'PUT' || method === 'PATCH';
  return isWrite ? { fieldValidation: 'Strict', ...query } : { ...query };
}

function pathOf({ path, query }: Pick<KubeRequest, 'path' | 'query'>): string {
  const text = Object.entries(query ?? {})
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  return text === '' ? path : `${path}?${text}`;
}

function bodyHeaders({ method, body }: KubeRequest): Record<string, string> {
  if (body === undefined) return {};
  return { 'Content-Type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' };
}
