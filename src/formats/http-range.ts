/** The part of a body that a `Range` header wants, its ends included; undefined for all of it, as for what can't be read. */
export function rangeOf(
  header: string | undefined,
  size: number,
): { readonly from: number; readonly to: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < from) return undefined;
  return from > to ? 'unsatisfiable' : { from, to };
}

/** Whether an `If-Match` or `If-None-Match` header names an ETag (without quotes). */
export function namesEtag(header: string, etag: string): boolean {
  return header.split(',').some((part) => {
    const name = part.trim().replace(/^W\//, '');
    return name === '*' || name.replace(/^"(.*)"$/, '$1') === etag;
  });
}
