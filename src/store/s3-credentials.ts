import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { EXIT, Problem } from '../model/problem.ts';
import type { Credentials } from './s3-sign.ts';
import { printable } from './s3-xml.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What AWS's own providers answer (profiles, SSO, processes, containers, instances, web identities). */
export interface ChainIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Asks AWS's providers in their order; `forceRefresh` passes over what they remember. */
export type CredentialChain = (options: { readonly forceRefresh: boolean }) => Promise<ChainIdentity>;

export interface CredentialOptions {
  readonly env: Env;
  readonly now: () => number;
  /** Loaded only where the environment has no keys: it costs 50–100 ms. */
  readonly loadChain: () => Promise<CredentialChain>;
}

/** Credentials are fetched anew when they have less than this left. */
const EARLY_MS = 5 * 60_000;

/** The credentials to sign with: keys of the environment first, then AWS's standard chain; renewed before they expire. */
export class CredentialSource {
  readonly #options: CredentialOptions;
  #chain: CredentialChain | undefined;
  #known: Credentials | undefined;
  #coming: Promise<Credentials> | undefined;

  constructor(options: CredentialOptions) {
    this.#options = options;
  }

  /** Raises `no-credentials` or `credentials-failed` (exit 6). Free when they are known and last. */
  async get(): Promise<Credentials> {
    const known = this.#known;
    if (known !== undefined && this.#leftMs(known) > EARLY_MS) return known;
    try {
      return await this.#fetch(false);
    } catch (error) {
      // What has some minutes left is better than nothing while the provider can't be reached.
      if (known !== undefined && this.#leftMs(known) > 0) return known;
      throw error;
    }
  }

  /** As AWS's own client takes them. */
  async identity(): Promise<ChainIdentity> {
    const { expires, ...keys } = await this.get();
    return expires === undefined ? keys : { ...keys, expiration: new Date(expires) };
  }

  /** Others than those that were refused as expired; undefined where there are none. */
  async renew(refused: Credentials): Promise<Credentials | undefined> {
    if (this.#known !== undefined && this.#known.accessKeyId !== refused.accessKeyId) return this.#known;
    if (keysOf(this.#options.env) !== undefined) return undefined;
    const fresh = await this.#fetch(true);
    return fresh.accessKeyId === refused.accessKeyId && fresh.sessionToken === refused.sessionToken
      ? undefined
      : fresh;
  }

  /** How messages name who signs: the id of the access key, and where it comes from. */
  describe(credentials: Credentials): string {
    const { env } = this.#options;
    const source =
      keysOf(env) !== undefined
        ? 'from AWS_ACCESS_KEY_ID'
        : env['AWS_PROFILE'] !== undefined
          ? `profile ${env['AWS_PROFILE']}`
          : (env['AWS_ROLE_ARN'] ?? 'from the AWS credential chain');
    return `access key ${printable(credentials.accessKeyId)} (${printable(source)})`;
  }

  #leftMs(credentials: Credentials): number {
    return credentials.expires === undefined ? Infinity : credentials.expires - this.#options.now();
  }

  #fetch(forceRefresh: boolean): Promise<Credentials> {
    return (this.#coming ??= this.#load(forceRefresh).finally(() => (this.#coming = undefined)));
  }

  async #load(forceRefresh: boolean): Promise<Credentials> {
    const keys = keysOf(this.#options.env);
    if (keys !== undefined) return (this.#known = keys);
    try {
      this.#chain ??= await this.#options.loadChain();
      return (this.#known = fromChain(await this.#chain({ forceRefresh })));
    } catch (error) {
      throw chainProblem(error, this.#options.env);
    }
  }
}

function keysOf(env: Env): Credentials | undefined {
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'];
  if (accessKeyId === undefined || accessKeyId === '') return undefined;
  if (secretAccessKey === undefined || secretAccessKey === '') return undefined;
  const token = env['AWS_SESSION_TOKEN'];
  return {
    accessKeyId,
    secretAccessKey,
    ...(token === undefined || token === '' ? {} : { sessionToken: token }),
  };
}

function fromChain(identity: ChainIdentity): Credentials {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = identity;
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...(expiration === undefined ? {} : { expires: expiration.getTime() }),
  };
}

function chainProblem(error: unknown, env: Env): Problem {
  const words = printable(error instanceof Error ? error.message : String(error));
  const profile = env['AWS_PROFILE'];
  const whose = profile === undefined ? '' : ` of profile ${printable(profile)}`;
  if (/^Could not load credentials from any providers/.test(words)) {
    return new Problem({
      code: 'no-credentials',
      message: `no AWS credentials${whose} were found`,
      hint: 'Set AWS_PROFILE (after `aws sso login` or `aws configure`), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      exit: EXIT.refused,
      cause: error,
    });
  }
  return new Problem({
    code: 'credentials-failed',
    message: `can't get AWS credentials${whose}: ${words}`,
    hint: /sso/i.test(words)
      ? `Log in again: \`aws sso login${profile === undefined ? '' : ` --profile ${printable(profile)}`}\`.`
      : 'Try `aws sts get-caller-identity` in the same shell: it uses the same settings.',
    exit: EXIT.refused,
    cause: error,
  });
}

/** The region that the surroundings name: a variable, else the profile's `region` in AWS's configuration file. */
export function regionOf(env: Env): string | undefined {
  const named = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'];
  if (named !== undefined && named !== '') return named;
  const file = env['AWS_CONFIG_FILE'] ?? join(env['HOME'] ?? homedir(), '.aws', 'config');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const profile = env['AWS_PROFILE'] ?? env['AWS_DEFAULT_PROFILE'] ?? 'default';
  return settingIn(
    text,
    profile === 'default' ? ['default', 'profile default'] : [`profile ${profile}`],
    'region',
  );
}

/** A setting of the first section that has one of the names. */
function settingIn(ini: string, sections: readonly string[], setting: string): string | undefined {
  let inside = false;
  for (const line of ini.split(/\r?\n/)) {
    const section = /^\s*\[\s*(.*?)\s*\]/.exec(line);
    if (section !== null) inside = sections.includes((section[1] ?? '').replace(/\s+/g, ' '));
    const match = inside ? /^([a-z_]+)\s*=\s*(.*?)\s*(?:[#;].*)?$/.exec(line) : null;
    if (match !== null && match[1] === setting && match[2] !== '') return match[2];
  }
  return undefined;
}
