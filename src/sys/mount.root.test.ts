import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountAll, readonlyMounts, unmount, unmountAll, unmountRecursive, withTempMount } from './mount.ts';
import { findMount, mountsBelow } from './mountinfo.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync('/tmp/berth-mount-test-');
});
afterEach(async () => {
  await unmountRecursive(dir);
  rmSync(dir, { recursive: true });
});

function make(...names: string[]): string[] {
  return names.map((name) => {
    const path = join(dir, name);
    mkdirSync(path, { recursive: true });
    return path;
  });
}

test('a bind that is read-only cannot be written, and its source still can', async () => {
  const [source, target] = make('source', 'target') as [string, string];
  writeFileSync(join(source, 'a'), 'x');
  await mountAll([{ type: 'bind', source, target: '', options: ['rbind', 'ro', 'nosuid'] }], target);
  expect(readFileSync(join(target, 'a'), 'utf8')).toBe('x');
  expect(() => writeFileSync(join(target, 'b'), '')).toThrow('EROFS');
  writeFileSync(join(source, 'b'), '');
  expect(findMount(target)?.options).toContain('nosuid');
  await unmount(target);
  expect(findMount(target)).toBeUndefined();
});

test('an error says what Node would say', async () => {
  const [target] = make('target') as [string];
  const attempt = mountAll([{ type: 'bind', source: join(dir, 'no'), target: '', options: ['bind'] }], target);
  await expect(attempt).rejects.toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'mount', path: target });
  await expect(unmount(target)).rejects.toMatchObject({ code: 'EINVAL', syscall: 'umount2' });
});

test('when the second mount fails the first is undone', async () => {
  const [target] = make('target') as [string];
  const mounts = [
    { type: 'tmpfs', source: 'tmpfs', target: '', options: ['size=1m'] },
    { type: 'nosuchfs', source: 'x', target: '', options: [] },
  ];
  await expect(mountAll(mounts, target)).rejects.toMatchObject({ code: 'ENODEV' });
  expect(mountsBelow(dir)).toEqual([]);
});

test('a target below the root is resolved inside the root', async () => {
  const [target, outside] = make('target/etc', 'outside') as [string, string];
  const root = join(dir, 'target');
  symlinkSync(outside, join(root, 'escape'));
  symlinkSync('/etc', join(root, 'inside'));
  const tmpfs = { type: 'tmpfs', source: 'tmpfs', options: [] };
  await expect(mountAll([{ ...tmpfs, target: 'escape' }], root)).rejects.toMatchObject({ code: 'ENOENT' });
  await mountAll([{ ...tmpfs, target: 'inside' }], root);
  expect(mountsBelow(dir).map((row) => row.mountpoint)).toEqual([target]);
});

test('propagation is set by a call of its own', async () => {
  const [target] = make('target') as [string];
  await mountAll([{ type: 'tmpfs', source: 'tmpfs', target: '', options: ['rshared', 'size=64k'] }], target);
  expect(findMount(target)?.propagation.join()).toMatch(/^shared:\d+$/);
});

test('128 lower directories mount, with short common paths and with long different ones', async () => {
  const long = 'd'.repeat(200);
  for (const layout of [(i: number) => `snapshots/${i}/fs`, (i: number) => `${long}-${i}/${long}/fs`]) {
    const lowers = make(...Array.from({ length: 128 }, (_, i) => layout(i)));
    for (const [i, lower] of lowers.entries()) writeFileSync(join(lower, `file-${i}`), '');
    const before = process.cwd();
    const mount = {
      type: 'overlay',
      source: 'overlay',
      target: '',
      options: ['index=off', `lowerdir=${lowers.join(':')}`],
    };
    const names = await withTempMount([mount], async (root) => readdirSync(root));
    expect(names.length).toBe(128);
    expect(process.cwd()).toBe(before);
  }
});

test('read-only mounts of an overlay show the upper directory and refuse writes', async () => {
  const [lower, upper, work] = make('lower', 'upper', 'work') as [string, string, string];
  writeFileSync(join(upper, 'u'), '');
  writeFileSync(join(lower, 'l'), '');
  const options = [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower}`];
  const mounts = readonlyMounts([{ type: 'overlay', source: 'overlay', target: '', options }]);
  await withTempMount(mounts, async (root) => {
    expect(readdirSync(root).sort()).toEqual(['l', 'u']);
    expect(() => writeFileSync(join(root, 'x'), '')).toThrow('EROFS');
  });
});

test('a temporary mount is gone afterwards, also when its use throws', async () => {
  const tmpfs = { type: 'tmpfs', source: 'tmpfs', target: '', options: [] };
  let seen = '';
  const attempt = withTempMount([tmpfs], async (root) => {
    seen = root;
    mkdirSync(join(root, 'sub'));
    await mountAll([tmpfs], join(root, 'sub'));
    throw new Error('boom');
  });
  await expect(attempt).rejects.toThrow('boom');
  expect(mountsBelow(seen)).toEqual([]);
  expect(() => readdirSync(seen)).toThrow('ENOENT');
});

test('unmountAll takes away mounts that lie on one another, and is content with none', async () => {
  const [target] = make('target') as [string];
  const tmpfs = { type: 'tmpfs', source: 'tmpfs', target: '', options: [] };
  await mountAll([tmpfs, tmpfs, tmpfs], target);
  await unmountAll(target);
  await unmountAll(target);
  await unmountAll(join(dir, 'missing'));
  expect(mountsBelow(dir)).toEqual([]);
});
