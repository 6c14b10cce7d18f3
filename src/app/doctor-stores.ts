import { accessSync, constants, existsSync } from 'node:fs';
import { Problem } from '../model/problem.ts';
import type { Check } from '../model/setup-report.ts';
import type { Store } from '../store/store.ts';
import type { AppContext, Remotes } from './ports.ts';

/** What each store that the branch uses says of itself. Asks them. */
export async function storeChecks(ctx: AppContext): Promise<readonly Check[]> {
  let remotes: Remotes;
  try {
    remotes = await ctx.remotes();
  } catch (error) {
    return [failedCheck('stores', error)];
  }
  const { read, write } = remotes;
  const checks: Check[] = [];
  for (const remote of read) {
    const name = `store ${remote.name}`;
    try {
      checks.push(await describeStore(name, remote.store, remote === write));
    } catch (error) {
      checks.push(failedCheck(name, error));
    }
  }
  return checks;
}

/** Something that couldn't be looked at, with why and the cure. */
export function failedCheck(name: string, error: unknown): Check {
  const message = error instanceof Error ? error.message : String(error);
  const fix = error instanceof Problem ? error.hint : undefined;
  return { name, state: 'fail', message, ...(fix === undefined ? {} : { fix }) };
}

async function describeStore(name: string, store: Store, isWritten: boolean): Promise<Check> {
  if (store.describe === undefined) return folderCheck(name, store, isWritten);
  const facts = await store.describe();
  const place = `${store.url} at ${facts.endpoint} (${facts.region}) as ${facts.identity}`;
  const state = facts.isThere ? '' : '; there is no store yet, the first push makes it';
  const message = `${place}${state}; ${createOnlyWords(facts.createOnly)}`;
  if (facts.clockAheadSeconds !== 0) {
    const minutes = Math.round(Math.abs(facts.clockAheadSeconds) / 60);
    const side = facts.clockAheadSeconds > 0 ? 'behind' : 'ahead of';
    return {
      name,
      state: 'warn',
      message: `${message}; this machine's clock is ${minutes} min ${side} the server's`,
      fix: 'Set the clock: requests are signed with the time.',
    };
  }
  if (isWritten && facts.isThere && (await store.mayWrite?.()) === false) {
    return {
      name,
      state: 'fail',
      message: `${message}; but it may not be written`,
      fix: 'Use other credentials, or have the policy attached that datawf env manifest prints.',
    };
  }
  return { name, state: 'ok', message };
}

function createOnlyWords(createOnly: boolean | undefined): string {
  if (createOnly === undefined) return 'create-only writes are tried with the first push';
  return createOnly ? 'create-only writes are honoured' : 'create-only writes are not honoured';
}

function folderCheck(name: string, { url }: Store, isWritten: boolean): Check {
  if (!existsSync(url)) {
    return {
      name,
      state: isWritten ? 'ok' : 'warn',
      message: `${url}; there is no store yet`,
      ...(isWritten ? {} : { fix: 'Mount it, or push to it.' }),
    };
  }
  accessSync(url, isWritten ? constants.W_OK : constants.R_OK);
  return { name, state: 'ok', message: url };
}

/** For each prefix of another environment that this one must not write: whether that is so. Changes no byte there. */
export async function guardChecks(ctx: AppContext): Promise<readonly Check[]> {
  const own = await ctx.environment();
  const checks: Check[] = [];
  for (const { name: other, write } of ctx.config.environments.values()) {
    const config = write === undefined || write === own?.write ? undefined : ctx.config.stores.get(write);
    if (config?.url.startsWith('s3://') !== true || /\{(branch|user)\}/.test(config.url)) continue;
    const name = `guard ${other}`;
    try {
      const { store } = await ctx.openStore(config, undefined);
      checks.push(guardCheck(name, store.url, await store.mayWrite?.()));
    } catch (error) {
      checks.push(failedCheck(name, error));
    }
  }
  return checks;
}

function guardCheck(name: string, url: string, mayWrite: boolean | undefined): Check {
  if (mayWrite === undefined)
    return { name, state: 'ok', message: `${url}; there is no store yet, so nothing to try` };
  if (!mayWrite) return { name, state: 'ok', message: `writes to ${url} are refused to this identity` };
  return {
    name,
    state: 'fail',
    message: `this identity may write to ${url}`,
    fix: 'Have the policies put in place that this prints: datawf env manifest --part s3',
  };
}
