/** How a file can share its bytes with the store. */
export type LinkWay = 'reflink' | 'hardlink' | 'symlink' | 'copy';

/** Below this many bytes a reflink costs more than it saves: it takes an inode and an extent of its own. */
export const REFLINK_MIN = 64 * 1024;

/** Errors by which a file system says that it can't link this way at all, or not between these places. */
const UNABLE = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'ENOTTY', 'EACCES']);

export function saysUnable(errno: string | undefined): boolean {
  return errno !== undefined && UNABLE.has(errno);
}

/**
 * What each device has turned out to be unable to do: the first file that fails there is the probe for all others, so that
 * a hundred thousand files don't find out again.
 */
export class WayMemory {
  readonly #unable = new Map<number, Set<LinkWay>>();

  isAble(way: LinkWay, device: number): boolean {
    return this.#unable.get(device)?.has(way) !== true;
  }

  forget(way: LinkWay, device: number): void {
    const ways = this.#unable.get(device) ?? new Set();
    ways.add(way);
    this.#unable.set(device, ways);
  }
}
