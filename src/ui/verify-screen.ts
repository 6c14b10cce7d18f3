import type { Damage, Repair, VerifiedStore, VerifyReport } from '../model/verify-report.ts';
import { formatBytes, plural } from './format.ts';
import type { Look } from './look.ts';

/** `datawf verify`: per store what was read, mended and is damaged, with the files that are hit and the cure. */
export function verifyText(report: VerifyReport, look: Look): string {
  const { style } = look;
  const unreadable = report.unreadable.map(({ file, message, hint }) =>
    [`${style.bad('unreadable')} ${file}: ${message}`, ...(hint === null ? [] : [`  ${hint}`])].join('\n'),
  );
  const absent =
    report.absent === 0 ? [] : [`${plural(report.absent, 'object')} of this checkout not here: datawf fetch`];
  const stores = report.stores.flatMap((store) => [
    `${style.bold(store.name)} ${style.dim(store.url)}`,
    ...storeLines(store, look),
  ]);
  return `${[...unreadable, ...storeLines(report, look), ...absent, ...stores].join('\n')}\n`;
}

function storeLines(store: VerifiedStore, look: Look): readonly string[] {
  const { style } = look;
  const read = `${plural(store.objects, 'object')} (${formatBytes(store.bytes)}) and ${plural(store.trees, 'tree')}`;
  const { damaged, repaired } = store;
  const mended = repaired.map((repair) => repairText(repair, look));
  const last =
    damaged.length > 0
      ? style.bad(`${damaged.length} damaged or missing`) + ` of ${read}`
      : repaired.length > 0
        ? `${style.good('mended')} ${repaired.length}; read ${read}`
        : `${style.good('verified')} ${read}: all are what their names say`;
  return [...damaged.map((damage) => damageText(damage, look)), ...mended, last];
}

/** Paths shown unless -v asks for all. */
const SHOWN = 5;

function damageText(damage: Damage, look: Look): string {
  const paths = look.verbose ? damage.paths : damage.paths.slice(0, SHOWN);
  const more = damage.paths.length - paths.length;
  const branches = damage.branches.map(({ branch, paths: some, count }) => {
    const [first = ''] = some;
    return `    ${branch}: ${first}${count > 1 ? ` and ${count - 1} more` : ''}`;
  });
  return [
    `${look.style.bad('damaged')} ${damage.digest.slice(0, 16)}…: ${damage.fault}`,
    ...paths.map((path) => `    ${path}`),
    ...(more > 0 ? [`    and ${more} more`] : []),
    ...branches,
    `  ${damage.cure}`,
  ].join('\n');
}

function repairText({ digest, paths, from }: Repair, look: Look): string {
  const [first] = paths;
  const what =
    first === undefined ? '' : ` (${first}${paths.length > 1 ? ` and ${paths.length - 1} more` : ''})`;
  return `${look.style.good('mended')} ${digest.slice(0, 16)}…${what} from ${from === 'workspace' ? 'the workspace' : from}`;
}
