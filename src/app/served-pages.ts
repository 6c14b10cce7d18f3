import { pageHtml, type IndexPage, type PageRow } from '../formats/index-page.ts';
import type { Answer } from './serve-answer.ts';
import type { ServedRef } from './served-refs.ts';
import type { ServedVersion } from './served-version.ts';

/** Rows of a page at most. */
const ROWS = 1000;

/** The versions there are, for a browser. */
export function versionsPage(refs: readonly ServedRef[]): Answer {
  const rows = refs.map(({ bucket, name, kind, commit, time }) => ({
    name,
    href: hrefOf(bucket, ''),
    note: `${kind} ${commit.slice(0, 10)} ${new Date(time).toISOString().slice(0, 10)}`,
  }));
  return htmlAnswer({ title: 'Versions', above: [], rows, more: undefined });
}

export interface FolderRequest {
  readonly bucket: string;
  /** '' for all, else ending in `/`. */
  readonly folder: string;
  /** What comes behind it is shown; '' from the beginning. */
  readonly after: string;
}

/** What lies in a folder of a version, for a browser. */
export async function folderPage(version: ServedVersion, request: FolderRequest): Promise<Answer> {
  const { bucket, folder, after } = request;
  const view = await version.list({ prefix: folder, delimiter: '/', after, limit: ROWS });
  const rows: PageRow[] = [
    ...view.folders.map((path) => ({
      name: path.slice(folder.length),
      href: hrefOf(bucket, path),
      note: '',
    })),
    ...view.files.map(({ path, size }) => ({
      name: path.slice(folder.length),
      href: hrefOf(bucket, path),
      note: `${size.toLocaleString('en')} bytes`,
    })),
  ];
  const steps = folder.split('/').slice(0, -1);
  const above = [
    { name: 'versions', href: '/' },
    ...[bucket, ...steps].slice(0, -1).map((name, index) => ({
      name,
      href: hrefOf(
        bucket,
        steps
          .slice(0, index)
          .map((step) => `${step}/`)
          .join(''),
      ),
    })),
  ];
  return htmlAnswer({
    title: steps.at(-1) ?? bucket,
    above,
    rows,
    more: view.last === undefined ? undefined : `?after=${encodeURIComponent(view.last)}`,
  });
}

/** Where something of a version is served: whole, so that no name of a file is taken for anything else. */
export function hrefOf(bucket: string, path: string): string {
  return `/${[bucket, ...path.split('/')].map(encodeURIComponent).join('/')}`;
}

function htmlAnswer(page: IndexPage): Answer {
  const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' };
  return { status: 200, headers, body: pageHtml(page) };
}
