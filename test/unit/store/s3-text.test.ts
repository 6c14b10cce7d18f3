import { describe, expect, it } from 'vitest';
import { encodeKey, encodeQuery, endpointOf, parseS3Url } from '../../../src/store/s3-address.ts';
import { elementsOf, printable, textOf } from '../../../src/store/s3-xml.ts';

describe('the url of a store', () => {
  it.each([
    ['s3://bucket', { bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { bucket: 'bucket', prefix: '' }],
    ['s3://my.bucket-1/a/b', { bucket: 'my.bucket-1', prefix: 'a/b/' }],
    ['s3://bucket/a b/ü/', { bucket: 'bucket', prefix: 'a b/ü/' }],
  ])('%s is understood', (url, address) => {
    expect(parseS3Url(url)).toEqual(address);
  });

  it.each([
    's3://',
    's3:///a',
    's3://b',
    's3://bucket/../x',
    's3://bucket/a//b',
    's3://bu ket',
    'http://x/y',
  ])('%s is refused', (url) => {
    expect(() => parseS3Url(url)).toThrow(expect.objectContaining({ code: 'store-url', exit: 2 }));
  });
});

describe('an endpoint', () => {
  const parts = { bucket: 'bucket', region: 'eu-central-1', endpoint: undefined, pathStyle: false };
  it.each([
    ["AWS's own", {}, 'bucket.s3.eu-central-1.amazonaws.com', ''],
    ["AWS's own of China", { region: 'cn-north-1' }, 'bucket.s3.cn-north-1.amazonaws.com.cn', ''],
    ['in path style', { pathStyle: true }, 's3.eu-central-1.amazonaws.com', '/bucket'],
    ['of a bucket with a dot', { bucket: 'my.bucket' }, 's3.eu-central-1.amazonaws.com', '/my.bucket'],
    [
      'of one’s own',
      { endpoint: 'https://s3.example.org:9000/base/' },
      'bucket.s3.example.org:9000',
      '/base',
    ],
    ['with an address', { endpoint: 'http://10.0.0.1:9000' }, '10.0.0.1:9000', '/bucket'],
    ['with an address of IPv6', { endpoint: 'http://[::1]:9000' }, '[::1]:9000', '/bucket'],
  ])('%s', (_name, own, host, base) => {
    expect(endpointOf({ ...parts, ...own })).toMatchObject({ host, base });
  });

  it.each(['ftp://x', 'nonsense', 'https://user:pw@host', 'https://host/?q=1'])(
    '%s is refused',
    (endpoint) => {
      expect(() => endpointOf({ ...parts, endpoint })).toThrow(
        expect.objectContaining({ code: 'store-endpoint' }),
      );
    },
  );
});

it('keys and queries are encoded as signatures want them', () => {
  expect(encodeKey("a b/ü/+!'()*~.txt")).toBe('a%20b/%C3%BC/%2B%21%27%28%29%2A~.txt');
  expect(encodeQuery({ prefix: 'a/b', 'list-type': '2', uploads: '' })).toBe(
    'list-type=2&prefix=a%2Fb&uploads=',
  );
});

describe('XML', () => {
  const xml =
    '<R xmlns="x"><Keys>no</Keys><Key a="1">a&amp;&#x62;&#99;&lt;&bogus;</Key><Key>b</Key><Key>open';
  it('gives the texts of elements by their whole name', () => {
    expect(elementsOf(xml, 'Key')).toEqual(['a&amp;&#x62;&#99;&lt;&bogus;', 'b']);
    expect(textOf(xml, 'Key')).toBe('a&bc<&bogus;');
    expect(textOf(xml, 'None')).toBeUndefined();
  });

  it('is read in time whatever it holds', () => {
    expect(elementsOf('<Key>'.repeat(200_000), 'Key')).toEqual([]);
    expect(elementsOf('<Key '.repeat(200_000), 'Key')).toEqual([]);
  });

  it('loses what a terminal would act on', () => {
    expect(printable('a\u001b[31mb\nc\u009b')).toBe('a [31mb c');
    expect(printable('x'.repeat(1000)).length).toBe(301);
  });
});
