import type { Announcer } from '../store/announce.ts';
import { ulid } from '../util/ulid.ts';
import type { AppContext } from './ports.ts';

/** This process under a fresh id, as it tells others of a store what it does there: `datawf push`. */
export function announcerOf({ around, signal }: AppContext, command: string): Announcer {
  const { now, random, host, pid } = around;
  return { id: ulid(now(), random), command, host, pid, now, signal };
}
