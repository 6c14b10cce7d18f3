import type { Config, EnvironmentConfig } from '../model/config.ts';
import { invalid } from '../model/problem.ts';

/** A prefix of a bucket that an environment has to do with. */
export interface Place {
  /** Of the server as configured; undefined for AWS. */
  readonly endpoint: string | undefined;
  readonly bucket: string;
  /** Key pattern without the slash at its end, `*` for every placeholder; empty for the whole bucket. */
  readonly prefix: string;
  /** Whether one prefix stands for many branches or people. */
  readonly isShared: boolean;
}

/** The prefixes of an environment; stores that are folders have none. */
export interface EnvironmentPlaces {
  readonly environment: EnvironmentConfig;
  readonly write: Place | undefined;
  /** The written one included. */
  readonly read: readonly Place[];
  readonly publish: Place | undefined;
  /** Those that others write who read what this one writes: gc asks them what they rely on, promote takes from them. */
  readonly readers: readonly Place[];
}

/** The prefixes of all environments. Throws `stores-overlap` (exit 2) where a policy couldn't keep two of them apart. */
export function placesOf(config: Config): readonly EnvironmentPlaces[] {
  const environments = [...config.environments.values()];
  const places = environments.map((environment): EnvironmentPlaces => {
    const { write, publish } = environment;
    const readers = environments.filter(
      (other) => other.write !== write && write !== undefined && other.read.includes(write),
    );
    const written = storePlace(config, write);
    return {
      environment,
      write: written,
      read: unique([write, ...environment.read].flatMap((name) => storePlace(config, name) ?? [])),
      publish: publish === undefined ? undefined : placeOf(publish, endpointOfStore(config, write)),
      readers: unique(readers.flatMap((other) => storePlace(config, other.write) ?? [])),
    };
  });
  refuseOverlaps(places);
  return places;
}

function storePlace(config: Config, name: string | undefined): Place | undefined {
  const store = name === undefined ? undefined : config.stores.get(name);
  return store === undefined ? undefined : placeOf(store.url, store.endpoint);
}

function endpointOfStore(config: Config, name: string | undefined): string | undefined {
  return name === undefined ? undefined : config.stores.get(name)?.endpoint;
}

function placeOf(url: string, endpoint: string | undefined): Place | undefined {
  const [, bucket, path = ''] = /^s3:\/\/([^/]+)\/?(.*?)\/*$/.exec(url) ?? [];
  if (bucket === undefined) return undefined;
  const prefix = path.replace(/\{(?:branch|user)\}/g, '*');
  return { endpoint, bucket, prefix, isShared: prefix.includes('*') };
}

function unique(places: readonly Place[]): readonly Place[] {
  return [...new Map(places.map((place) => [nameOf(place), place])).values()];
}

function nameOf({ endpoint = '', bucket, prefix }: Place): string {
  return `${endpoint} s3://${bucket}/${prefix}`;
}

/** A place's keys as policies write them. */
export function arnOf({ bucket, prefix }: Place, below = '*'): string {
  return `arn:aws:s3:::${bucket}/${prefix === '' ? '' : `${prefix}/`}${below}`;
}

function refuseOverlaps(places: readonly EnvironmentPlaces[]): void {
  const written = places.flatMap(({ environment, write, publish }) =>
    [write, publish].flatMap((place) => (place === undefined ? [] : [{ name: environment.name, place }])),
  );
  for (const [index, one] of written.entries()) {
    for (const other of written.slice(index + 1)) {
      if (nameOf(one.place) === nameOf(other.place)) continue;
      if (one.place.bucket !== other.place.bucket || one.place.endpoint !== other.place.endpoint) continue;
      if (!globsMeet(arnOf(one.place), arnOf(other.place))) continue;
      const [first, second] = [arnOf(one.place), arnOf(other.place)].map((arn) => arn.slice(13));
      throw invalid(
        'stores-overlap',
        `what ${one.name} writes (${first ?? ''}) and what ${other.name} writes (${second ?? ''}) lie in one another, so no policy can keep them apart`,
        'Give each a prefix that no branch name can reach: weather/main and weather/branches/{branch}.',
      );
    }
  }
}

/** Whether there is a text that both patterns match; `*` is any text. */
function globsMeet(one: string, other: string): boolean {
  const meets = new Map<number, boolean>();
  const from = (i: number, j: number): boolean => {
    const place = i * (other.length + 1) + j;
    const known = meets.get(place);
    if (known !== undefined) return known;
    meets.set(place, false);
    const answer = step(i, j);
    meets.set(place, answer);
    return answer;
  };
  const step = (i: number, j: number): boolean => {
    if (i === one.length && j === other.length) return true;
    if (one[i] === '*') return from(i + 1, j) || (j < other.length && from(i, j + 1));
    if (other[j] === '*') return from(i, j + 1) || (i < one.length && from(i + 1, j));
    return i < one.length && one[i] === other[j] && from(i + 1, j + 1);
  };
  return from(0, 0);
}
