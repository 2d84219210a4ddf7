import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  chmodAt,
  chownAt,
  cwd,
  linkAt,
  listAt,
  mkdirAt,
  mknodAt,
  openAt,
  readlinkAt,
  renameAt,
  rmdirAt,
  statAt,
  unlinkAt,
  utimesAt,
} from './at.ts';
import {
  copyTree,
  dataExtents,
  diskUsage,
  filesystemOf,
  punchHole,
  reflink,
  removeTree,
  syncFilesystem,
  syncPath,
} from './fs.ts';
import { mountAll, unmount } from './mount.ts';
import { findXattr, listXattrs, removeXattr, setXattr } from './xattr.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync('/tmp/berth-fs-');
});
afterEach(() => removeTree(dir));

const bytes = (text: string) => new TextEncoder().encode(text);

function sparse(path: string): void {
  const fd = openSync(path, 'w');
  ftruncateSync(fd, 10_000_000);
  writeSync(fd, 'middle', 5_000_000);
  closeSync(fd);
}

test('usage counts blocks, directories and each inode once', async () => {
  const root = join(dir, 'r');
  mkdirSync(join(root, 'd/e'), { recursive: true });
  writeFileSync(join(root, 'a'), Buffer.alloc(10_000));
  linkSync(join(root, 'a'), join(root, 'd/b'));
  symlinkSync('a', join(root, 's'));
  sparse(join(root, 'd/e/sparse'));
  const paths = ['', 'd', 'd/e', 'a', 's', 'd/e/sparse'].map((name) => join(root, name));
  const size = paths.reduce((sum, path) => sum + lstatSync(path).blocks * 512, 0);
  expect(await diskUsage(root)).toEqual({ size, inodes: 6 });
  await expect(diskUsage(join(dir, 'no'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a copy has owners, modes, times, attributes, hard links, devices, fifos and holes', async () => {
  const [from, to] = [join(dir, 'from'), join(dir, 'to')];
  mkdirSync(join(from, 'd/e'), { recursive: true });
  mkdirSync(to);
  writeFileSync(join(from, 'a'), 'content');
  chownAt(cwd, join(from, 'a'), 12, 34);
  chmodAt(cwd, join(from, 'a'), 0o6755);
  linkSync(join(from, 'a'), join(from, 'd/e/hard'));
  symlinkSync('../nowhere', join(from, 'd/link'));
  mknodAt(cwd, join(from, 'd/null'), constants.S_IFCHR | 0o640, { major: 1, minor: 3 });
  mknodAt(cwd, join(from, 'd/fifo'), constants.S_IFIFO | 0o600);
  sparse(join(from, 'd/sparse'));
  setXattr(cwd, join(from, 'a'), 'user.word', bytes('value'));
  setXattr(cwd, join(from, 'd'), 'trusted.overlay.opaque', bytes('y'));
  utimesAt(cwd, join(from, 'd/link'), { sec: -5, ns: 6 });
  utimesAt(cwd, join(from, 'd'), { sec: 1234, ns: 567 });
  chmodAt(cwd, from, 0o1710);
  await copyTree(from, to);
  for (const name of ['', 'a', 'd', 'd/e', 'd/e/hard', 'd/link', 'd/null', 'd/fifo', 'd/sparse']) {
    const { mode, nlink, uid, gid, mtimeSec, mtimeNs, rdevMajor, rdevMinor } = statAt(cwd, join(from, name));
    expect([name, statAt(cwd, join(to, name))]).toMatchObject([
      name,
      { mode, nlink, uid, gid, mtimeSec, mtimeNs, rdevMajor, rdevMinor },
    ]);
  }
  expect(statAt(cwd, join(to, 'a')).inode).toBe(statAt(cwd, join(to, 'd/e/hard')).inode);
  expect(readFileSync(join(to, 'a'), 'utf8')).toBe('content');
  expect(readlinkSync(join(to, 'd/link'))).toBe('../nowhere');
  expect(findXattr(cwd, join(to, 'a'), 'user.word')).toEqual(bytes('value'));
  expect(findXattr(cwd, join(to, 'd'), 'trusted.overlay.opaque')).toEqual(bytes('y'));
  expect(statAt(cwd, join(to, 'd/sparse')).blocks).toBe(statAt(cwd, join(from, 'd/sparse')).blocks);
  expect(readFileSync(join(to, 'd/sparse')).equals(readFileSync(join(from, 'd/sparse')))).toBe(true);
});

test('a tree three thousand directories deep is counted, copied and removed', async () => {
  const [from, to] = [join(dir, 'deep'), join(dir, 'copy')];
  mkdirSync(from);
  mkdirSync(to);
  let fd = openSync(from, 'r');
  for (let i = 0; i < 3000; i++) {
    mkdirAt(fd, 'directory', 0o755);
    const next = openAt(fd, 'directory', constants.O_RDONLY | constants.O_DIRECTORY);
    closeSync(fd);
    fd = next;
  }
  closeSync(fd);
  expect((await diskUsage(from)).inodes).toBe(3001);
  await copyTree(from, to);
  expect(await diskUsage(to)).toEqual(await diskUsage(from));
  await removeTree(from);
  await removeTree(to);
  expect([existsSync(from), existsSync(to)]).toEqual([false, false]);
}, 120_000);

test('removing follows no link, stops at a mount, and is content with nothing', async () => {
  const [root, outside] = [join(dir, 'root'), join(dir, 'outside')];
  mkdirSync(join(root, 'm'), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, 'keep'), '');
  symlinkSync(outside, join(root, 'link'));
  await mountAll([{ type: 'bind', source: outside, target: '', options: ['bind'] }], join(root, 'm'));
  await expect(removeTree(root)).rejects.toMatchObject({ code: 'EBUSY' });
  expect(existsSync(join(outside, 'keep'))).toBe(true);
  await unmount(join(root, 'm'));
  await removeTree(root);
  await removeTree(root);
  writeFileSync(root, '');
  await removeTree(root);
  expect([existsSync(root), existsSync(join(outside, 'keep'))]).toEqual([false, true]);
});

test('mounts on the way to a tree do not keep it from being removed, one on the tree itself does', async () => {
  const [outer, inner] = [join(dir, 'outer'), join(dir, 'outer/inner')];
  mkdirSync(outer);
  const tmpfs = [{ type: 'tmpfs', source: 'tmpfs', target: '', options: [] }];
  await mountAll(tmpfs, outer);
  mkdirSync(join(inner, 'a/b'), { recursive: true });
  await removeTree(`${inner}//`);
  mkdirSync(inner);
  await mountAll(tmpfs, inner);
  writeFileSync(join(inner, 'f'), '');
  await expect(removeTree(inner)).rejects.toMatchObject({ code: 'EBUSY' });
  expect(existsSync(join(inner, 'f'))).toBe(true);
  await expect(removeTree('/')).rejects.toMatchObject({ code: 'EBUSY' });
  await unmount(inner);
  await unmount(outer);
  await removeTree(join(dir, 'no/such/parent'));
});

test('extents skip holes, and a punched hole becomes one', () => {
  const path = join(dir, 'f');
  writeFileSync(path, Buffer.alloc(65536 * 3, 1));
  const fd = openSync(path, 'r+');
  punchHole(fd, 65536, 65536);
  expect([...dataExtents(fd, 65536 * 3)]).toEqual([
    { offset: 0, length: 65536 },
    { offset: 131072, length: 65536 },
  ]);
  const other = openSync(join(dir, 'g'), 'w');
  expect(reflink(other, fd)).toBe(false); // ext4 and tmpfs cannot
  closeSync(fd);
  closeSync(other);
});

test('calls on directory descriptors work on the place and not through links', () => {
  const fd = openSync(dir, 'r');
  mkdirAt(fd, 'd', 0o700);
  symlinkSync('/etc/passwd', join(dir, 'l'));
  expect(readlinkAt(fd, 'l')).toBe('/etc/passwd');
  chownAt(fd, 'l', 5, 6);
  expect(statAt(fd, 'l')).toMatchObject({ uid: 5, gid: 6 });
  expect(() => chmodAt(fd, 'l', 0o600)).toThrow('EOPNOTSUPP');
  expect(() => openAt(fd, 'l', constants.O_RDONLY)).toThrow('ELOOP');
  linkAt(fd, 'l', fd, 'm');
  expect(() => renameAt(fd, 'm', fd, 'd', 'keep')).toThrow('EEXIST');
  renameAt(fd, 'm', fd, 'd', 'exchange');
  expect(
    listAt(fd)
      .map((entry) => [entry.name, entry.stat.nlink])
      .sort(),
  ).toEqual([
    ['d', 2],
    ['l', 2],
    ['m', 2],
  ]);
  rmdirAt(fd, 'm');
  unlinkAt(fd, 'd');
  expect(listAt(fd).map((entry) => entry.name)).toEqual(['l']);
  closeSync(fd);
});

test('attributes are listed, read, removed; large ones too; a link has its own', () => {
  const path = join(dir, 'f');
  writeFileSync(path, '');
  const large = new Uint8Array(3000).fill(7);
  setXattr(cwd, path, 'user.a', large);
  setXattr(cwd, path, 'user.b', new Uint8Array());
  expect([...listXattrs(cwd, path)].sort()).toEqual(['user.a', 'user.b']);
  expect(findXattr(cwd, path, 'user.a')).toEqual(large);
  expect(findXattr(cwd, path, 'user.b')).toEqual(new Uint8Array());
  removeXattr(cwd, path, 'user.a');
  expect(findXattr(cwd, path, 'user.a')).toBeUndefined();
  symlinkSync(path, join(dir, 'l'));
  setXattr(cwd, join(dir, 'l'), 'trusted.t', bytes('link'));
  expect(findXattr(cwd, path, 'trusted.t')).toBeUndefined();
});

test('syncing and asking for the filesystem', async () => {
  await syncPath(dir);
  await syncFilesystem(dir);
  expect(filesystemOf('/proc').type).toBe('0x9fa0');
  expect(filesystemOf('/dev/shm')).toMatchObject({ type: 'tmpfs', blockSize: 4096 });
  expect(() => filesystemOf(join(dir, 'no'))).toThrow('ENOENT');
});
