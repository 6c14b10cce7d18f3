import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeConfig, parseConfigFile } from '../../../src/formats/config-file.ts';
import type { Config } from '../../../src/model/config.ts';
import { runs } from '../../rig/property.ts';
import { mutations, problemOf, valueOrProblem } from './texts.ts';

const FORMATS = `stores:
  production: {url: "s3://agro/weather/main", region: eu-central-1}
  trial: {url: "s3://agro/weather/branches/{branch}", endpoint: "https://s3.example.org", path_style: true, ca: certs/s3.pem}
  nas: {url: /mnt/nas/datawf}
environments:                       # the first whose pattern fits the branch
  production:
    branches: [main]
    write: production
    publish: s3://agro/public/weather
    trust: image
    executor: kubernetes
    namespace: datawf-prod
    service_account: "weather-{stage}"
    uids: {main: 20001, stager: 20002, group: 30000}
    credentials: {role: arn:aws:iam::123456789012:role/weather-production}    # or {secret: NAME}
    secrets: {ARCHIVE_TOKEN: {secret: weather, key: archive}}
    agent_image: registry.example.org/datawf-agent:1.0
    env: {PGHOST: db.prod}
  test:
    branches: ["**"]
    write: trial
    read: [production]              # then these, in order, read-only
    executor: local
limits: {archive: 2}                # pools that resources.limit counts against
cache: {dir: .git/datawf, links: [reflink, hardlink, symlink, copy]}
`;

function config(...texts: string[]): Config {
  return mergeConfig(texts.map((text, index) => parseConfigFile(text, `${index}.yaml`)));
}

function fault(text: string) {
  return problemOf(() => parseConfigFile(text, 'config.yaml'));
}

describe('the configuration', () => {
  test('of the formats is read with all its fields', () => {
    const read = config(FORMATS);
    expect([...read.stores.values()]).toEqual([
      {
        name: 'production',
        url: 's3://agro/weather/main',
        region: 'eu-central-1',
        endpoint: undefined,
        pathStyle: false,
        ca: undefined,
      },
      {
        name: 'trial',
        url: 's3://agro/weather/branches/{branch}',
        region: undefined,
        endpoint: 'https://s3.example.org',
        pathStyle: true,
        ca: 'certs/s3.pem',
      },
      {
        name: 'nas',
        url: '/mnt/nas/datawf',
        region: undefined,
        endpoint: undefined,
        pathStyle: false,
        ca: undefined,
      },
    ]);
    expect([...read.environments.keys()]).toEqual(['production', 'test']);
    expect(read.environments.get('production')).toMatchObject({
      branches: ['main'],
      write: 'production',
      read: [],
      publish: 's3://agro/public/weather',
      trust: 'image',
      executor: 'kubernetes',
      serviceAccount: 'weather-{stage}',
      uids: { main: 20001, stager: 20002, group: 30000 },
      credentials: { role: 'arn:aws:iam::123456789012:role/weather-production' },
      agentImage: 'registry.example.org/datawf-agent:1.0',
    });
    expect([...read.environments.get('production')!.secrets]).toEqual([
      ['ARCHIVE_TOKEN', { secret: 'weather', key: 'archive' }],
    ]);
    expect(read.environments.get('test')).toMatchObject({
      branches: ['**'],
      read: ['production'],
      executor: 'local',
    });
    expect([...read.limits]).toEqual([['archive', 2]]);
    expect(read.cache).toEqual({ dir: '.git/datawf', links: ['reflink', 'hardlink', 'symlink', 'copy'] });
  });

  test('of nothing is the default', () => {
    const usual = {
      jobs: undefined,
      color: 'auto',
      cache: { dir: undefined, links: ['reflink', 'hardlink', 'symlink', 'copy'] },
    };
    expect(mergeConfig([])).toMatchObject(usual);
    expect(config('', '# mine\n')).toMatchObject(usual);
  });

  test('of a stronger layer wins field by field', () => {
    const read = config(
      FORMATS,
      'jobs: 4\ncolor: never\n',
      'jobs: 8\nstores: {trial: {endpoint: "http://localhost:9000"}}\ncache: {links: [copy]}\n',
    );
    expect(read).toMatchObject({ jobs: 8, color: 'never', cache: { dir: '.git/datawf', links: ['copy'] } });
    expect(read.stores.get('trial')).toMatchObject({
      url: 's3://agro/weather/branches/{branch}',
      endpoint: 'http://localhost:9000',
    });
  });

  test('asks the environments of a stronger layer first', () => {
    const read = config(FORMATS, 'environments: {mine: {branches: ["my/*"], write: nas}}\n');
    expect([...read.environments.keys()]).toEqual(['mine', 'production', 'test']);
  });

  test.each([
    ['stores: {a: {region: x}}', 'a in stores of the configuration has no url'],
    ['environments: {a: {write: b}}', 'a in environments of the configuration has no branches'],
    [
      'environments: {a: {branches: [x], write: nass}}\nstores: {nas: {url: /x}}',
      `environment a names the store nass, which isn't configured`,
    ],
    [
      'environments: {a: {branches: [x], read: [b]}}',
      `environment a names the store b, which isn't configured`,
    ],
    [
      'environments: {a: {branches: [x], uids: {main: 1}}}',
      'uids of a in environments of the configuration has no stager',
    ],
  ])('may say %j in one file, but not in all together', (text, message) => {
    const layer = parseConfigFile(text, 'config.yaml');
    expect(problemOf(() => mergeConfig([layer]))).toMatchObject({
      code: 'invalid-config',
      exit: 2,
      message,
      place: { file: 'config.yaml' },
    });
  });

  test.each([
    ['store: {a: {url: x}}', 'Did you mean "stores"?'],
    ['stores: {a: {uri: x}}', 'Did you mean "url"?'],
    ['stores: {a: {url: "gs://b"}}', 'Write s3://bucket/prefix or a folder.'],
    ['stores: {a: {url: "s3://"}}', 'Write s3://bucket/prefix or a folder.'],
    ['stores: {a: {url: "s3://b/{brnch}"}}', 'Did you mean "branch"?'],
    ['stores: {a: {url: "s3://b/{stage}"}}', 'It may hold {branch} and {user}.'],
    ['stores: {a: {url: x, endpoint: localhost}}', 'Write https://host or https://host:port.'],
    ['environments: {a: {executor: kubernets}}', 'Did you mean "kubernetes"?'],
    ['cache: {links: [hardlinks]}', 'Did you mean "hardlink"?'],
    ['color: alway', 'Did you mean "always"?'],
    ['jobs: "4"', 'Write it without quotes.'],
  ])('gives the cure of %s', (text, hint) => {
    expect(fault(text).hint).toBe(hint);
  });

  test('names the line of what is wrong', () => {
    expect(fault('jobs: 3\ncolor: blue\n').place).toMatchObject({
      file: 'config.yaml',
      line: 2,
      column: 8,
      excerpt: '2 | color: blue\n  |        ^',
    });
  });

  test('damaged in any way is a configuration or a problem', () => {
    fc.assert(
      fc.property(mutations([FORMATS]), (text) => {
        const layer = valueOrProblem(() => parseConfigFile(text, 'config.yaml'));
        if (layer !== undefined) valueOrProblem(() => mergeConfig([layer]));
      }),
      { numRuns: runs(2000) },
    );
  });
});
