/** A row of a page: a folder, file or version. */
export interface PageRow {
  readonly name: string;
  /** Relative, encoded. */
  readonly href: string;
  readonly note: string;
}

/** A page of names with links, for browsers. */
export interface IndexPage {
  readonly title: string;
  /** Ways up, from the top on. */
  readonly above: readonly Omit<PageRow, 'note'>[];
  readonly rows: readonly PageRow[];
  /** Link to the rest, encoded; undefined where this is all. */
  readonly more: string | undefined;
}

/** The page as HTML: no script, and every name as text, whatever is in it. */
export function pageHtml({ title, above, rows, more }: IndexPage): string {
  const ways = above.map(({ name, href }) => `${link(name, href)} / `).join('');
  const lines = rows.map(
    ({ name, href, note }) => `<tr><td>${link(name, href)}</td><td>${escapeHtml(note)}</td></tr>`,
  );
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${escapeHtml(title)}</title>`,
    '<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}',
    'td{padding:0 2rem 0 0}td+td{color:#666;font-variant-numeric:tabular-nums}h1{font-size:1.2rem}',
    '@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}}</style></head><body>',
    `<h1>${ways}${escapeHtml(title)}</h1>`,
    `<table>${lines.join('\n')}</table>`,
    rows.length === 0 ? '<p>Nothing is recorded here.</p>' : '',
    more === undefined ? '' : `<p>${link('more', more)}</p>`,
    '</body></html>\n',
  ].join('');
}

function link(name: string, href: string): string {
  return `<a href="${escapeHtml(href)}">${escapeHtml(name)}</a>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[<>&"']/g, (found) => `&#${found.charCodeAt(0)};`);
}
