import { resolve } from 'node:path';
import { environmentNamed, fillSlugs, storeChain, type SlugNames } from '../graph/environment.ts';
import type { EnvironmentConfig, StoreConfig } from '../model/config.ts';
import type { EnvironmentLine, EnvironmentReport, EnvironmentStore } from '../model/environment-report.ts';
import { Problem } from '../model/problem.ts';
import type { AppContext } from './ports.ts';
import { userAtHand } from './user-at-hand.ts';

/** The environments that are configured, in order. Opens no store. */
export async function listEnvironments(ctx: AppContext): Promise<readonly EnvironmentLine[]> {
  const facts = await gather(ctx);
  return [...ctx.config.environments.values()].map((environment) => ({
    name: environment.name,
    ...lineOf(ctx, facts, environment),
  }));
}

/** One environment, or the one of the branch at hand. Opens no store. Throws `no-environment` (exit 4). */
export async function showEnvironment(ctx: AppContext, name: string | undefined): Promise<EnvironmentReport> {
  const facts = await gather(ctx);
  const environment = name === undefined ? facts.current : environmentNamed(ctx.config, name);
  const fill = (text: string | undefined): string | null => filled(text, facts.names) ?? null;
  return {
    name: environment?.name ?? null,
    branch: facts.names.branch ?? null,
    ...lineOf(ctx, facts, environment),
    publish: fill(environment?.publish),
    trust: environment?.trust ?? null,
    namespace: fill(environment?.namespace),
    serviceAccount: fill(environment?.serviceAccount),
    uids: environment?.uids ?? null,
    credentials: environment?.credentials ?? null,
    agentImage: environment?.agentImage ?? null,
    env: Object.fromEntries(environment?.env ?? []),
    secrets: [...(environment?.secrets.keys() ?? [])],
    limits: Object.fromEntries(ctx.config.limits),
  };
}

interface Facts {
  readonly names: SlugNames;
  readonly current: EnvironmentConfig | undefined;
}

async function gather(ctx: AppContext): Promise<Facts> {
  return { names: await slugNames(ctx), current: await ctx.environment() };
}

/** What placeholders stand for here. */
export async function slugNames(ctx: AppContext): Promise<SlugNames> {
  const { branch } = await ctx.workspace.head();
  return { branch, user: await userAtHand(ctx.git, ctx.around.env) };
}

function lineOf(
  ctx: AppContext,
  { names, current }: Facts,
  environment: EnvironmentConfig | undefined,
): Omit<EnvironmentLine, 'name'> {
  const chain = storeChain(ctx.config, environment);
  const store = ({ name, url }: StoreConfig): EnvironmentStore => {
    const text = filledAsFar(url, names);
    return { name, url: text.startsWith('s3://') ? text : resolve(ctx.workspace.root, text) };
  };
  return {
    current: environment === current,
    branches: environment?.branches ?? [],
    write: chain.write === undefined ? null : store(chain.write),
    read: chain.read.map(store),
    executor: environment?.executor ?? 'local',
  };
}

function filled(text: string | undefined, names: SlugNames): string | undefined {
  return text === undefined ? undefined : filledAsFar(text, names);
}

/** A text as far as it can be filled in here; `{stage}` stays. */
export function filledAsFar(text: string, names: SlugNames): string {
  return text.replace(/\{(branch|user)\}/g, (whole) => {
    try {
      return fillSlugs(whole, names);
    } catch (error) {
      if (error instanceof Problem) return whole;
      throw error;
    }
  });
}
