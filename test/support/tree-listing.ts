import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { listAt, readlinkAt } from '#sys/at';
import { type FileStat, isDirectory, isRegular, isSymlink } from '#sys/stat';
import { findXattr, listXattrs } from '#sys/xattr';

/** What a tree holds, one line a file in the order of the names: type and mode, owner, size, time, attributes, content. */
export function listTree(root: string, options: { readonly times: boolean } = { times: true }): string[] {
  const lines: string[] = [];
  const firstNames = new Map<string, string>();
  const walk = (dir: string, below: string) => {
    const fd = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const entries = listAt(fd).map(({ name, stat }) => ({
        name: Buffer.from(name).toString('latin1'),
        raw: name,
        stat,
      }));
      for (const { name, raw, stat } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const path = below === '' ? name : `${below}/${name}`;
        const link = !isDirectory(stat) && stat.nlink > 1 ? firstNames.get(stat.inode) : undefined;
        firstNames.set(stat.inode, firstNames.get(stat.inode) ?? path);
        lines.push(`${path} ${describe(fd, raw, stat, options.times)}${link === undefined ? '' : ` = ${link}`}`);
        if (isDirectory(stat)) walk(`${dir}/${Buffer.from(raw).toString()}`, path);
      }
    } finally {
      closeSync(fd);
    }
  };
  walk(root, '');
  return lines;
}

function describe(dirfd: number, name: string | Uint8Array, stat: FileStat, times: boolean): string {
  const parts = [stat.mode.toString(8), `${stat.uid}:${stat.gid}`];
  if (isRegular(stat)) parts.push(`${stat.size}`, contentOf(dirfd, name));
  if (isSymlink(stat)) parts.push(`-> ${readlinkAt(dirfd, name)}`);
  if (stat.rdevMajor + stat.rdevMinor > 0) parts.push(`${stat.rdevMajor},${stat.rdevMinor}`);
  if (times) parts.push(`${stat.mtimeSec}.${stat.mtimeNs}`);
  for (const key of [...listXattrs(dirfd, name)].map(String).sort()) {
    parts.push(`${key}=${Buffer.from(findXattr(dirfd, name, key) ?? []).toString('hex')}`);
  }
  return parts.join(' ');
}

function contentOf(dirfd: number, name: string | Uint8Array): string {
  const path = Buffer.concat([Buffer.from(`/proc/self/fd/${dirfd}/`), Buffer.from(name)]);
  return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12);
}
