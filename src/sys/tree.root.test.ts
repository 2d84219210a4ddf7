import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { cwd } from './at.ts';
import { isWhiteout } from './stat.ts';
import { finishFile, Tree } from './tree.ts';
import { findXattr } from './xattr.ts';

let dir = '';
let root = '';
let tree: Tree;
beforeEach(() => {
  dir = mkdtempSync('/dev/shm/berth-tree-');
  root = join(dir, 'root');
  mkdirSync(root);
  mkdirSync(join(dir, 'outside'));
  tree = new Tree(root);
});
afterEach(() => {
  tree[Symbol.dispose]();
  rmSync(dir, { recursive: true });
});

const at = { mode: 0o644, uid: 0, gid: 0, modified: { sec: 1_000_000_000, ns: 123_456_789 } };
function nameOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // closed meanwhile: other threads have descriptors, too
  }
}
const bytes = (text: string) => new TextEncoder().encode(text);

test('a file gets its content, owner, mode and time to the nanosecond', () => {
  tree.file('a/b/file', { ...at, mode: 0o4751, uid: 3_000_000_000, gid: 7 }, bytes('hello'));
  expect(readFileSync(join(root, 'a/b/file'), 'utf8')).toBe('hello');
  expect(tree.find('a/b/file')).toMatchObject({
    mode: constants.S_IFREG | 0o4751,
    uid: 3_000_000_000,
    gid: 7,
    size: 5,
    mtimeSec: 1_000_000_000,
    mtimeNs: 123_456_789,
  });
  expect(lstatSync(join(root, 'a')).mode & 0o7777).toBe(0o755);
});

test('owner and mode are what is asked for, whatever the umask, the directory above or an earlier one say', () => {
  const umask = process.umask();
  try {
    for (const mask of [0, 0o022, 0o777]) {
      process.umask(mask);
      const above = `${mask}`;
      tree.directory(above, { ...at, mode: 0o2777, gid: 12 });
      for (const mode of [0, 0o400, 0o644, 0o666, 0o755, 0o777, 0o1644, 0o2755, 0o4755, 0o6777]) {
        for (const [uid, gid] of [
          [0, 0],
          [0, 12],
          [34, 0],
          [34, 56],
        ] as const) {
          const name = `${above}/${mode}-${uid}-${gid}`;
          const given = { ...at, mode, uid, gid };
          tree.file(name, given, bytes('x'));
          tree.directory(`${name}-directory`, { ...given, mode: 0o7777 });
          tree.directory(`${name}-directory`, given);
          const fd = tree.create(`${name}-large`);
          finishFile(fd, given);
          for (const end of ['', '-directory', '-large']) {
            const { mode: got, ...owner } = tree.find(`${name}${end}`)!;
            expect([name, end, got & 0o7777, owner.uid, owner.gid]).toEqual([name, end, mode, uid, gid]);
          }
        }
      }
    }
  } finally {
    process.umask(umask);
  }
});

test('a big file is written through a descriptor and finished', () => {
  const fd = tree.create('big');
  writeSync(fd, 'x'.repeat(100_000));
  finishFile(fd, { ...at, mode: 0o600 });
  expect(tree.find('big')).toMatchObject({ size: 100_000, mtimeNs: 123_456_789, mode: constants.S_IFREG | 0o600 });
  // Closed: its number is free, or means something else by now.
  expect(readdirSync('/proc/self/fd').map(nameOf)).not.toContain(join(root, 'big'));
});

test('a link to the outside leads to a place inside', () => {
  tree.symlink('abs', join(dir, 'outside'), at);
  tree.symlink('rel', '../../../../outside', at);
  tree.file('abs/x', at, bytes('1'));
  tree.file('rel/y', at, bytes('2'));
  tree.file('../../z', at, bytes('3'));
  expect(readFileSync(join(root, dir, 'outside/x'), 'utf8')).toBe('1');
  expect(readFileSync(join(root, 'outside/y'), 'utf8')).toBe('2');
  expect(readFileSync(join(root, 'z'), 'utf8')).toBe('3');
  expect(statSync(join(dir, 'outside')).nlink).toBe(2);
});

test('a kept directory is forgotten when a link takes its place', () => {
  mkdirSync(join(dir, 'outside/d'));
  tree.file('p/d/one', at, bytes('1'));
  tree.symlink('p', join(dir, 'outside'), at);
  tree.file('p/d/two', at, bytes('2'));
  expect(readFileSync(join(root, dir, 'outside/d/two'), 'utf8')).toBe('2');
  expect(() => lstatSync(join(dir, 'outside/d/two'))).toThrow('ENOENT');
});

test('the last component is never followed', () => {
  writeFileSync(join(dir, 'victim'), 'keep');
  symlinkSync(join(dir, 'victim'), join(root, 'v'));
  expect(() => tree.open('v', constants.O_RDONLY)).toThrow('ELOOP');
  tree.times('v', { sec: 5, ns: 0 });
  expect(lstatSync(join(root, 'v')).mtimeMs).toBe(5000);
  tree.file('v', at, bytes('new'));
  expect(readFileSync(join(dir, 'victim'), 'utf8')).toBe('keep');
  expect(readFileSync(join(root, 'v'), 'utf8')).toBe('new');
  expect(() => tree.file('a/..', at, bytes(''))).toThrow('EINVAL');
});

test('loops and names that are too long are errors, not hangs', () => {
  tree.symlink('l1', 'l2', at);
  tree.symlink('l2', 'l1', at);
  expect(() => tree.file('l1/x', at, bytes(''))).toThrow('ELOOP');
  expect(() => tree.file('n'.repeat(300), at, bytes(''))).toThrow('ENAMETOOLONG');
  expect(() => tree.file(`${'d/'.repeat(3000)}x`, at, bytes(''))).toThrow('ENAMETOOLONG');
  expect(() => tree.file('a\0b', at, bytes(''))).toThrow(TypeError);
});

test('what is in the way is replaced, except a directory by a directory', () => {
  tree.file('d/deep/er/file', at, bytes('1'));
  tree.directory('d', { ...at, mode: 0o1777 });
  expect(readFileSync(join(root, 'd/deep/er/file'), 'utf8')).toBe('1');
  expect(lstatSync(join(root, 'd')).mode & 0o7777).toBe(0o1777);
  tree.file('d/deep', at, bytes('2'));
  expect(readFileSync(join(root, 'd/deep'), 'utf8')).toBe('2');
  tree.directory('d/deep', at);
  tree.node('d/deep', { ...at, mode: constants.S_IFIFO | 0o640 });
  expect(lstatSync(join(root, 'd/deep')).isFIFO()).toBe(true);
  tree.symlink('d/deep', 'x', at);
  expect(readlinkSync(join(root, 'd/deep'))).toBe('x');
});

test('hard links share the file, may repeat themselves, and stay inside', () => {
  tree.file('a', at, bytes('1'));
  tree.link('sub/b', 'a');
  tree.link('sub/b', '/a');
  tree.link('a', 'sub/b');
  expect(tree.find('a')?.inode).toBe(tree.find('sub/b')?.inode as string);
  expect(tree.find('a')?.nlink).toBe(2);
  writeFileSync(join(dir, 'outside/secret'), '');
  expect(() => tree.link('stolen', '../outside/secret')).toThrow('ENOENT');
  tree.symlink('s', '/etc/passwd', at);
  tree.link('t', 's');
  expect(readlinkSync(join(root, 't'))).toBe('/etc/passwd');
});

test('a file that is replaced leaves its other names alone', () => {
  tree.file('a', at, bytes('1'));
  tree.link('b', 'a');
  tree.file('a', at, bytes('2'));
  expect(readFileSync(join(root, 'b'), 'utf8')).toBe('1');
});

test('whiteouts and opaque directories are what overlayfs reads', () => {
  tree.whiteout('gone');
  tree.directory('o', at);
  tree.opaque('o');
  expect(isWhiteout(tree.find('gone') as NonNullable<ReturnType<Tree['find']>>)).toBe(true);
  expect(findXattr(cwd, join(root, 'o'), 'trusted.overlay.opaque')).toEqual(bytes('y'));
});

test('remove takes everything below, says whether there was something, and refuses the root', () => {
  tree.file('d/e/f', at, bytes(''));
  expect(tree.remove('d')).toBe(true);
  expect(tree.remove('d')).toBe(false);
  expect(tree.remove('no/such/parent')).toBe(false);
  expect(() => tree.remove('/')).toThrow('EBUSY');
  tree.file('d/e/f', at, bytes('again'));
  expect(readFileSync(join(root, 'd/e/f'), 'utf8')).toBe('again');
});

test('a directory keeps its times when they are set last; the root has attributes too', () => {
  tree.directory('d', at);
  tree.file('d/x', at, bytes(''));
  tree.times('d', at.modified);
  tree.directory('./', { ...at, mode: 0o711 });
  expect(tree.find('d')?.mtimeNs).toBe(123_456_789);
  expect(lstatSync(root).mode & 0o777).toBe(0o711);
});

test('names that are not UTF-8 keep their bytes, and names of one directory in two spellings meet', () => {
  const name = Uint8Array.from([0x64, 0x2f, 0xff, 0xfe]);
  tree.file(name, at, bytes('latin'));
  expect(tree.find(name)?.size).toBe(5);
  tree.file('./d//x', at, bytes('1'));
  tree.file('/d/y', at, bytes('2'));
  expect(readFileSync(join(root, 'd/x'), 'utf8') + readFileSync(join(root, 'd/y'), 'utf8')).toBe('12');
});

test('a parent that is a dangling link is made where it points', () => {
  tree.symlink('lib', 'usr/lib', at);
  tree.file('lib/a.so', at, bytes('1'));
  expect(readFileSync(join(root, 'usr/lib/a.so'), 'utf8')).toBe('1');
});

test('ten thousand directories cost a bounded number of descriptors', () => {
  const count = () => lstatSync('/proc/self/fd').size;
  const before = count();
  for (let i = 0; i < 10_000; i++) tree.file(`d${i}/f`, at, bytes(''));
  expect(count() - before).toBeLessThan(60);
  const fd = openSync(root, 'r');
  closeSync(fd);
});
