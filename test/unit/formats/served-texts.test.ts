import { describe, expect, it, test } from 'vitest';
import { namesEtag, rangeOf } from '../../../src/formats/http-range.ts';
import { pageHtml } from '../../../src/formats/index-page.ts';
import { errorXml, listingXml } from '../../../src/formats/s3-answer.ts';

describe('a Range header', () => {
  it.each([
    [undefined, 10, undefined],
    ['bytes=0-2', 10, { from: 0, to: 2 }],
    ['bytes=7-', 10, { from: 7, to: 9 }],
    ['bytes=-3', 10, { from: 7, to: 9 }],
    ['bytes=-30', 10, { from: 0, to: 9 }],
    ['bytes=5-99', 10, { from: 5, to: 9 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=5-2', 10, undefined],
    ['bytes=-', 10, undefined],
    ['bytes=0-1,4-5', 10, undefined],
    ['lines=0-1', 10, undefined],
  ] as const)('%s of %i bytes', (header, size, range) => {
    expect(rangeOf(header, size)).toEqual(range);
  });
});

test.each([
  ['"abc"', true],
  ['abc', true],
  ['W/"abc"', true],
  ['"x", "abc"', true],
  ['*', true],
  ['"abcd"', false],
  ['', false],
])('%s names the ETag abc: %s', (header, names) => {
  expect(namesEtag(header, 'abc')).toBe(names);
});

test('a page shows names as text', () => {
  const evil = '<img src=x onerror=alert(1)>"&\'';
  const html = pageHtml({
    title: evil,
    above: [{ name: evil, href: evil }],
    rows: [{ name: evil, href: evil, note: evil }],
    more: evil,
  });
  expect(html).not.toContain('<img');
  expect(html).not.toContain('<script');
  expect(html).toContain('<a href="&#60;img src=x onerror=alert(1)&#62;&#34;&#38;&#39;">');
});

test('a listing holds any name', () => {
  const odd = 'a<b>&"\u0001 ü+.csv';
  const page = {
    bucket: 'main',
    prefix: 'a<',
    delimiter: '/',
    limit: 1000,
    isFirstVersion: false,
    after: '',
    token: undefined,
    keys: [{ key: odd, size: 3, etag: 'e' }],
    folders: ['a&/'],
    next: 'token',
    time: 0,
  };
  const xml = listingXml({ ...page, encodes: false });
  expect(xml).toContain('<Key>a&#60;b&#62;&#38;&#34;&#1; ü+.csv</Key>');
  expect(xml).toContain('<KeyCount>2</KeyCount><NextContinuationToken>token</NextContinuationToken>');
  expect(xml).toContain('<IsTruncated>true</IsTruncated>');
  expect(listingXml({ ...page, encodes: true })).toContain('<Key>a%3Cb%3E%26%22%01%20%C3%BC%2B.csv</Key>');
  expect(errorXml('NoSuchKey', '<no>', '/a&b')).toContain(
    '<Message>&#60;no&#62;</Message><Resource>/a&#38;b</Resource>',
  );
});
