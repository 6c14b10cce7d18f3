import { afterEach, beforeEach, expect, test } from 'vitest';
import { KubeApi } from '../../../src/run/kube-api.ts';
import {
  cut,
  json,
  stall,
  startFakeKube,
  status,
  type FakeAnswer,
  type FakeKube,
} from '../../rig/fake-kube.ts';

let kube: FakeKube;
let api: KubeApi;

beforeEach(async () => {
  kube = await startFakeKube();
  api = new KubeApi(kube.target(), { now: Date.now, random: () => 0, patienceMs: 2000 });
});

afterEach(async () => {
  api.close();
  await kube.close();
});

const JOBS = '/apis/batch/v1/namespaces/here/jobs';
const post = () => api.request<{ ok?: boolean }>({ method: 'POST', path: JOBS, body: { kind: 'Job' } });

test('a write asks for strict fields and answers the warnings', async () => {
  kube.script(
    json({ ok: true }, { Warning: '299 - "would violate PodSecurity \\"restricted:latest\\": x"' }),
  );
  expect(await post()).toMatchObject({
    body: { ok: true },
    warnings: ['would violate PodSecurity "restricted:latest": x'],
  });
  expect(kube.calls[0]?.query.get('fieldValidation')).toBe('Strict');
  expect(kube.calls[0]?.body).toEqual({ kind: 'Job' });
});

test.each<[string, FakeAnswer, object]>([
  [
    'RBAC',
    status(403, 'Forbidden', 'jobs.batch is forbidden: User "alice" cannot create resource "jobs"'),
    { code: 'cluster-forbidden', exit: 6 },
  ],
  [
    'a quota',
    status(
      403,
      'Forbidden',
      'jobs.batch "x" is forbidden: exceeded quota: team, requested: count/jobs.batch=1',
    ),
    { code: 'quota-exceeded', exit: 5 },
  ],
  [
    'a policy',
    status(
      403,
      'Forbidden',
      'jobs.batch "x" is forbidden: ValidatingAdmissionPolicy \'d\' denied request: no',
    ),
    { code: 'cluster-policy', exit: 6 },
  ],
  [
    'a taken name',
    status(409, 'AlreadyExists', 'jobs.batch "x" already exists'),
    { code: 'cluster-conflict', status: 409 },
  ],
  [
    'a missing thing',
    status(404, 'NotFound', 'jobs.batch "x" not found'),
    { code: 'not-in-cluster', exit: 4 },
  ],
  [
    'a missing namespace',
    status(404, 'NotFound', 'namespaces "x" not found'),
    { code: 'no-namespace', exit: 4 },
  ],
  ['a bad spec', status(422, 'Invalid', 'spec is invalid'), { code: 'cluster-refused', exit: 2 }],
  [
    'an unknown field',
    status(400, 'BadRequest', 'strict decoding error: unknown field "x"'),
    { code: 'cluster-refused' },
  ],
])('%s is named and not tried again', async (_, answer, problem) => {
  kube.otherwise = answer;
  await expect(post()).rejects.toMatchObject(problem);
  expect(kube.calls).toHaveLength(1);
});

test('refused credentials are renewed once', async () => {
  kube.otherwise = status(401, 'Unauthorized', 'Unauthorized');
  await expect(post()).rejects.toMatchObject({ code: 'cluster-unauthorized', exit: 6 });
  expect(kube.calls).toHaveLength(2);
});

test('what passes is waited for', async () => {
  kube.script(
    status(429, 'TooManyRequests', 'slow'),
    status(503, 'ServiceUnavailable', 'starting'),
    cut,
    json({ ok: true }),
  );
  expect((await post()).body.ok).toBe(true);
});

test('a right that is lacking just after a lost connection is asked for again', async () => {
  kube.script(
    cut,
    status(403, 'Forbidden', 'jobs.batch is forbidden: User "a" cannot create'),
    json({ ok: true }),
  );
  expect((await post()).body.ok).toBe(true);
});

test('an outage ends in exit 5, and says that Jobs go on', async () => {
  kube.otherwise = cut;
  const impatient = new KubeApi(kube.target(), { now: Date.now, random: () => 0, patienceMs: 100 });
  await expect(impatient.get(JOBS)).rejects.toMatchObject({
    code: 'cluster-unreachable',
    exit: 5,
    hint: expect.stringContaining('Jobs that run go on'),
  });
});

test('a stream in which nothing comes is given up', async () => {
  kube.otherwise = stall;
  await expect(api.stream({ path: JOBS }, { idleMs: 30, onLine: () => undefined })).rejects.toMatchObject({
    code: 'cluster-unreachable',
  });
});

test('an absent thing can be an answer', async () => {
  expect(await api.find(`${JOBS}/x`)).toBeUndefined();
});
