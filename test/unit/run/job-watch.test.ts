import { afterEach, beforeEach, expect, test } from 'vitest';
import { watchCollection } from '../../../src/run/job-watch.ts';
import { KubeApi } from '../../../src/run/kube-api.ts';
import type { KubePod } from '../../../src/run/kube-objects.ts';
import {
  cut,
  event,
  pod,
  podList,
  stall,
  startFakeKube,
  status,
  watching,
  type FakeAnswer,
  type FakeKube,
} from '../../rig/fake-kube.ts';

let kube: FakeKube;
let stop: AbortController;

beforeEach(async () => {
  kube = await startFakeKube();
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await kube.close();
});

/** Watches through a script until the pods in view are those expected; answers the requests it took. */
async function watchUntil(
  expected: readonly string[],
  { token, limits }: { token?: () => string; limits?: Record<string, number> } = {},
): Promise<FakeKube['calls']> {
  const api = new KubeApi(kube.target(token), { now: Date.now, random: () => 0, patienceMs: 3000 });
  await watchCollection<KubePod>({
    api,
    path: '/api/v1/namespaces/here/pods',
    labelSelector: 'app=datawf',
    now: Date.now,
    random: () => 0,
    signal: stop.signal,
    limits: { firstPauseMs: 1, idleMs: 60, ...limits },
    onChange: (items) => {
      const names = [...items.values()].map(({ metadata }) => metadata.name).sort();
      if (names.join() === expected.join()) stop.abort();
    },
  });
  api.close();
  return kube.calls;
}

const added = (name: string, version: string): string => event('ADDED', pod(name, version));
const bookmark = (version: string): string => event('BOOKMARK', { metadata: { resourceVersion: version } });
const lists = (calls: FakeKube['calls']): number => calls.filter(({ query }) => !query.has('watch')).length;

test('a list comes in pages, and what is on none of them is gone', async () => {
  kube.script(podList('7', ['a', 'b'], 'more'), podList('7', ['c']));
  const calls = await watchUntil(['a', 'b', 'c']);
  expect(calls[1]?.query.get('continue')).toBe('more');
  expect(calls[0]?.query.get('labelSelector')).toBe('app=datawf');
});

test('a watch begins where the list was and takes in what is added, changed and deleted', async () => {
  kube.script(
    podList('7', ['a']),
    watching([added('b', '8'), event('MODIFIED', pod('b', '9')), event('DELETED', pod('a', '10'))], 'stay'),
  );
  const calls = await watchUntil(['b']);
  expect(calls[1]?.query.get('resourceVersion')).toBe('7');
  expect(calls[1]?.query.get('allowWatchBookmarks')).toBe('true');
});

test('lines that come in halves are joined, also within a character', async () => {
  const line = event('ADDED', pod('b', '8')).replace('Running', 'Rünning');
  const bytes = Buffer.from(line);
  const at = bytes.indexOf(Buffer.from('ü')) + 1;
  const halves: FakeAnswer = async (response) => {
    response.writeHead(200);
    response.write(bytes.subarray(0, at));
    await new Promise((resolve) => setTimeout(resolve, 5));
    response.write(bytes.subarray(at));
  };
  kube.script(podList('7', []), halves);
  expect(lists(await watchUntil(['b']))).toBe(1);
});

test('a half line before the end of a watch is dropped and asked for again', async () => {
  kube.script(
    podList('7', []),
    watching([bookmark('8'), '{"type":"ADDED","obj'], 'cut'),
    watching([added('b', '9')], 'stay'),
  );
  const calls = await watchUntil(['b']);
  expect(calls[2]?.query.get('resourceVersion')).toBe('8');
});

test('a watch that ends goes on from the last bookmark without a list', async () => {
  kube.script(podList('7', []), watching([bookmark('20')], 'end'), watching([added('b', '21')], 'stay'));
  const calls = await watchUntil(['b']);
  expect(lists(calls)).toBe(1);
  expect(calls[2]?.query.get('resourceVersion')).toBe('20');
});

test('410 inside a stream lists again', async () => {
  kube.script(
    podList('7', ['old']),
    watching([event('ERROR', { code: 410, reason: 'Expired', message: 'too old resource version' })], 'end'),
    podList('90', ['new']),
  );
  expect(lists(await watchUntil(['new']))).toBe(2);
});

test('410 as an answer lists again', async () => {
  kube.script(podList('7', ['old']), status(410, 'Expired', 'too old'), podList('90', ['new']));
  expect(lists(await watchUntil(['new']))).toBe(2);
});

test('a page that has expired begins the list anew', async () => {
  kube.script(podList('7', ['a'], 'more'), status(410, 'Expired', 'too old'), podList('9', ['b']));
  expect(lists(await watchUntil(['b']))).toBe(3);
});

test('a watch in which nothing comes any more is begun again where it was', async () => {
  kube.script(podList('7', []), stall, watching([added('b', '8')], 'stay'));
  expect(lists(await watchUntil(['b']))).toBe(1);
});

test('429, 500 and lost connections are passed over', async () => {
  kube.script(
    status(429, 'TooManyRequests', 'slow down', { 'Retry-After': '0' }),
    status(500, 'InternalError', 'etcd'),
    podList('7', []),
    status(429, 'TooManyRequests', 'slow down'),
    cut,
    watching([event('ERROR', { code: 500, reason: 'InternalError' })], 'end'),
    watching([added('b', '8')], 'stay'),
  );
  expect(lists(await watchUntil(['b']))).toBe(3);
});

test('an expired token is replaced', async () => {
  const tokens = ['old'];
  const guarded =
    (answer: FakeAnswer): FakeAnswer =>
    (response, call) =>
      call.token === 'fresh'
        ? answer(response, call)
        : status(401, 'Unauthorized', 'expired')(response, call);
  kube.script(podList('7', []), guarded(watching([added('b', '8')], 'stay')));
  kube.otherwise = guarded(watching([added('b', '8')], 'stay'));
  const calls = await watchUntil(['b'], { token: () => tokens.shift() ?? 'fresh' });
  expect(calls.at(-1)?.token).toBe('fresh');
});

test('a list is taken again now and then whatever was seen', async () => {
  kube.script(podList('7', ['a']), watching([bookmark('8')], 'end'), podList('9', ['b']));
  expect(lists(await watchUntil(['b'], { limits: { relistMs: 0 } }))).toBe(2);
});

test('what the server forbids is raised', async () => {
  kube.otherwise = status(403, 'Forbidden', 'pods is forbidden: User "x" cannot list resource "pods"');
  await expect(watchUntil(['b'])).rejects.toMatchObject({ code: 'cluster-forbidden', exit: 6 });
});

test('an outage that lasts is raised', async () => {
  kube.script(podList('7', []));
  kube.otherwise = cut;
  await expect(watchUntil(['b'], { limits: { outageMs: 50 } })).rejects.toMatchObject({
    code: 'cluster-unreachable',
    exit: 5,
  });
});
