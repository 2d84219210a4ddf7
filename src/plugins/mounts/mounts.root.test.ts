import { afterAll, expect, test } from 'bun:test';
import {
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { silent } from '#base/log';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { cwd, mknodAt } from '#sys/at';
import { fileOfLoop } from '#sys/loop';
import { mountOne, unmountAll } from '#sys/mount';
import { mountsBelow } from '#sys/mountinfo';
import { AllowedRoots } from './allowed-roots.ts';
import { loopHandler } from './loop.ts';
import { SystemMountManager } from './mount-manager.ts';
import { rig } from './mounts.fixture.ts';

const directory = realpathSync(mkdtempSync('/dev/shm/berth-mounts-'));
afterAll(() => rmSync(directory, { recursive: true }));
const scope = scopeOf('n');
const mkfs = (source: string) => ({
  type: 'mkfs/loop',
  source,
  target: '',
  options: ['X-containerd.mkfs.size=8MiB', 'X-containerd.mkfs.fs=ext4'],
});
const ext4 = { type: 'format/ext4', source: '{{ mount 0 }}', target: '', options: [] };
const overlay = {
  type: 'format/mkdir/overlay',
  source: 'overlay',
  target: '',
  options: [
    'X-containerd.mkdir.path={{ mount 1 }}/upper:0755',
    'X-containerd.mkdir.path={{ mount 1 }}/work:0711:12:34',
    'upperdir={{ mount 1 }}/upper',
    'workdir={{ mount 1 }}/work',
    'lowerdir=/lower',
  ],
};

test('a file becomes a filesystem, a device and a mount with directories; a restart finds it; deactivation leaves nothing', async () => {
  await using r = await rig(directory);
  const file = join(r.data, 'disk.img');
  const info = await r.mounts.activate(scope, 'a', [mkfs(file), ext4, overlay], {
    labels: { 'containerd.io/gc.bref.container': 'c' },
  });
  const [device, disk] = info.active.map(({ mountPoint }) => mountPoint);
  expect(info.active.map(({ mount }) => mount.type)).toEqual(['loop', 'ext4']);
  expect(info.system).toEqual([
    {
      type: 'overlay',
      source: 'overlay',
      target: '',
      options: [`upperdir=${disk}/upper`, `workdir=${disk}/work`, 'lowerdir=/lower'],
    },
  ]);
  expect(readlinkSync(device as string)).toMatch(/^\/dev\/loop\d+$/);
  const work = statSync(join(disk as string, 'work'));
  expect([work.mode & 0o777, work.uid, work.gid]).toEqual([0o711, 12, 34]);
  expect(statSync(join(disk as string, 'upper')).mode & 0o777).toBe(0o755);
  expect(await r.mounts.info(scope, 'a')).toEqual(info);
  expect(await faultOf(r.mounts.activate(scope, 'a', [mkfs(file)]))).toBe('already_exists');
  expect(await faultOf(r.mounts.info(scopeOf('other'), 'a'))).toBe('not_found');
  writeFileSync(join(disk as string, 'kept'), 'x');
  await r.restart();
  expect(await r.mounts.info(scope, 'a')).toEqual(info);
  await r.mounts.deactivate(scope, 'a');
  expect(fileOfLoop(info.active[0]?.data.device as string)).not.toBe(info.active[0]?.data.file);
  expect(await faultOf(r.mounts.info(scope, 'a'))).toBe('not_found');
  expect(await faultOf(r.mounts.deactivate(scope, 'a'))).toBe('not_found');
  // A second time the file is used as it is.
  const again = await r.mounts.activate(scope, 'a', [mkfs(file), ext4], { temporary: true });
  expect(again.system).toEqual([
    { type: 'bind', source: again.active[1]?.mountPoint as string, target: '', options: ['rbind'] },
  ]);
  expect(existsSync(join(again.system[0]?.source as string, 'kept'))).toBe(true);
  await r.mounts.deactivate(scope, 'a');
});

test('the loop option makes a device that goes with its mount', async () => {
  await using r = await rig(directory);
  const file = join(r.data, 'disk.img');
  const mount = { ...mkfs(file), type: 'mkfs/ext4', options: [...mkfs(file).options, 'loop', 'ro'] };
  const info = await r.mounts.activate(scope, 'a', [mount], { temporary: true });
  const [row] = mountsBelow(info.active[0]?.mountPoint as string);
  expect(row?.source).toStartWith('/dev/loop');
  await r.mounts.deactivate(scope, 'a');
});

test('two that make the same file have one file, which stays', async () => {
  await using r = await rig(directory);
  const file = join(r.data, 'disk.img');
  const activated = async (name: string) => {
    await r.mounts.activate(scope, name, [{ ...mkfs(file), type: 'mkfs/ext4' }], { callerDoes: [] });
    return statSync(file).ino;
  };
  const [a, b] = await Promise.all([activated('a'), activated('b')]);
  expect([a, b]).toEqual([statSync(file).ino, statSync(file).ino]);
  expect(readdirSync(r.data)).toEqual(['disk.img']);
  await r.mounts.deactivate(scope, 'a');
  await r.mounts.deactivate(scope, 'b');
});

test('labels that are changed at the same time are all kept, over a restart too', async () => {
  await using r = await rig(directory);
  await r.mounts.activate(scope, 'a', [{ ...mkfs(join(r.data, 'disk.img')), type: 'mkfs/loop' }]);
  const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
  await Promise.all(
    keys.map((key) => r.mounts.update(scope, { name: 'a', labels: { [key]: 'v' } }, [`labels.${key}`])),
  );
  await r.restart();
  expect(Object.keys((await r.mounts.info(scope, 'a')).labels).sort()).toEqual(keys.sort());
  await r.mounts.deactivate(scope, 'a');
});

test('a fifo is no disk, and nobody waits for its other end', async () => {
  await using r = await rig(directory);
  const fifo = join(r.data, 'fifo');
  mknodAt(cwd, fifo, constants.S_IFIFO | 0o600);
  const loop = { type: 'loop', source: fifo, target: '', options: ['ro'] };
  expect(await faultOf(r.mounts.activate(scope, 'a', [loop]))).not.toBe('none');
});

test('what fails leaves nothing, and the name is free', async () => {
  await using r = await rig(directory);
  const file = join(r.data, 'disk.img');
  const bad = { type: 'ext4', source: '{{ mount 0 }}', target: '', options: ['no-such-option'] };
  const cases = [
    [mkfs(file), { ...bad, type: 'format/ext4' }, { ...overlay, type: 'mkdir/overlay', options: [] }],
    [mkfs(file), { ...overlay, options: ['X-containerd.mkdir.path={{ mount 7 }}/x'] }],
    [mkfs(file), { ...overlay, options: ['X-containerd.mkdir.path={{ mount 0 }}/x'] }],
    [{ ...mkfs(file), options: [] }],
    [{ ...mkfs(file), options: ['X-containerd.mkfs.size=1', 'X-containerd.mkfs.fs=ntfs'] }],
    [{ ...mkfs(join(r.data, 'absent/x')) }],
    [{ type: 'loop', source: join(r.data, 'nothing'), target: '', options: [] }],
  ];
  for (const mounts of cases) {
    expect(await faultOf(r.mounts.activate(scope, 'a', mounts))).not.toBe('none');
    expect([readdirSync(r.targets), await r.mounts.list(scope)]).toEqual([[], []]);
  }
  expect(readdirSync(r.data)).toEqual(['disk.img']);
});

test('nothing is made outside the allowed directories, by links either', async () => {
  await using r = await rig(directory);
  const outside = join(directory, 'outside');
  mkdirSync(outside);
  symlinkSync(outside, join(r.data, 'link'));
  const mkdir = (path: string) => ({
    type: 'mkdir/bind',
    source: '/',
    target: '',
    options: [`X-containerd.mkdir.path=${path}`],
  });
  const paths = [join(outside, 'x'), `${r.data}/../outside/x`, 'relative', '/', r.data, join(r.data, 'link/x')];
  for (const path of paths) expect(await faultOf(r.mounts.activate(scope, 'a', [mkdir(path)]))).not.toBe('none');
  for (const path of paths) expect(await faultOf(r.mounts.activate(scope, 'b', [mkfs(path)]))).not.toBe('none');
  expect(readdirSync(outside)).toEqual([]);
  const made = await r.mounts.activate(scope, 'c', [mkdir(join(r.data, 'x:0750'))]);
  expect(made).toMatchObject({ active: [], system: [{ type: 'bind', source: '/', options: [] }] });
  expect(statSync(join(r.data, 'x')).mode & 0o777).toBe(0o750);
  await r.mounts.deactivate(scope, 'c');
});

test('a mount in use is not taken from whoever uses it, unless it is released', async () => {
  await using r = await rig(directory);
  const info = await r.mounts.activate(scope, 'a', [mkfs(join(r.data, 'disk.img')), ext4], { temporary: true });
  await using file = await open(join(info.system[0]?.source as string, 'busy'), 'w');
  expect(await faultOf(r.mounts.deactivate(scope, 'a'))).toBe('failed_precondition');
  expect(await r.mounts.info(scope, 'a')).toEqual(info);
  await r.mounts.release(scope, 'a');
  expect(await r.mounts.list(scope)).toEqual([]);
  await r.mounts.release(scope, 'a');
  await file.write('still there');
});

test('an activation lives with its lease, or with what its labels name, and no longer', async () => {
  await using r = await rig(directory);
  const { leases, containers } = r.metadata;
  const tmpfs = { type: 'tmpfs', source: 'tmpfs', target: '', options: [] };
  const activate = (name: string, lease?: string, labels = {}) =>
    r.mounts.activate(scopeOf('n', lease === undefined ? {} : { lease }), name, [tmpfs], { temporary: true, labels });
  await leases.create(scope, { id: 'l', labels: {} });
  const container = {
    id: 'c',
    image: '',
    labels: {},
    runtime: { name: 'r' },
    spec: { typeUrl: 's', value: new Uint8Array([1]) },
    snapshotter: '',
    snapshotKey: '',
    extensions: {},
    sandboxId: '',
  };
  await containers.create(scope, container);
  await activate('leased', 'l');
  await activate('of-container', undefined, { 'containerd.io/gc.bref.container': 'c' });
  await activate('nobodys');
  expect(await faultOf(activate('x', 'no-such-lease'))).toBe('not_found');
  const names = async () => (await r.mounts.list(scope)).map(({ name }) => name);
  expect(await names()).toEqual(['leased', 'nobodys', 'of-container']);
  await r.collect();
  expect(await names()).toEqual(['leased', 'of-container']);
  await r.restart();
  await r.collect();
  expect(await names()).toEqual(['leased', 'of-container']);
  await r.mounts.update(scope, { name: 'leased', labels: { a: 'b' } }, ['labels.a']);
  expect(await r.mounts.list(scope, ['labels.a==b'])).toMatchObject([{ name: 'leased', labels: { a: 'b' } }]);
  await leases.delete(scope, 'l');
  await r.collect();
  expect(await names()).toEqual(['of-container']);
  await containers.delete(scope, 'c');
  await r.collect();
  expect(await names()).toEqual([]);
});

test('mounts are there during a call, whatever is collected meanwhile, and gone after it, also when it fails', async () => {
  await using r = await rig(directory);
  const mounts = [mkfs(join(r.data, 'disk.img')), ext4];
  await r.mounts.during(scope, mounts, async ([bind, ...others]) => {
    expect([bind?.type, others]).toEqual(['bind', []]);
    await r.collect();
    writeFileSync(join(bind?.source as string, 'x'), '');
  });
  expect(mountsBelow(r.targets)).toEqual([]);
  const plain = [{ type: 'bind', source: '/', target: '', options: [] }];
  expect(await r.mounts.during(scope, plain, async (same) => same === plain)).toBe(true);
  const failing = r.mounts.during(scope, mounts, () => Promise.reject(new Error('x')));
  expect(await faultOf(failing)).toBe('unknown');
  expect(await r.mounts.list(scope)).toEqual([]);
});

test('what a crash leaves half done is taken down at the next start, and so is what is mounted no more', async () => {
  const hung = Promise.withResolvers<never>();
  await using r = await rig(directory, { hang: { mount: () => hung.promise, unmount: async () => {} } });
  const file = join(r.data, 'disk.img');
  const hang = { type: 'hang', source: '', target: '', options: [] };
  const half = faultOf(r.mounts.activate(scope, 'half', [mkfs(file), ext4, hang]));
  while (mountsBelow(r.targets).length === 0) await new Promise((later) => setTimeout(later, 5));
  const tmpfs = { type: 'tmpfs', source: 'tmpfs', target: '', options: [] };
  const gone = await r.mounts.activate(scope, 'gone', [tmpfs], { temporary: true });
  await unmountAll(gone.active[0]?.mountPoint as string);
  const whole = await r.mounts.activate(scope, 'whole', [tmpfs], { temporary: true });
  // A stray directory, a record cut off and a mount of nobody's.
  mkdirSync(join(r.targets, 'stray/0'), { recursive: true });
  mountOne(tmpfs, join(r.targets, 'stray/0'));
  writeFileSync(join(r.targets, 'abc.json'), '{"id":');
  const [link] = readdirSync(r.targets).filter((id) => existsSync(join(r.targets, id, '0.file')));
  const device = readlinkSync(join(r.targets, link as string, '0'));
  const shown = fileOfLoop(device);
  const next = await SystemMountManager.open({
    directory: r.targets,
    handlers: new Map([['loop', loopHandler]]),
    roots: new AllowedRoots([r.data]),
    leases: r.metadata.leases,
    collect: () => ({ touch: () => {}, [Symbol.dispose]: () => {} }),
    log: silent,
  });
  expect((await next.list(scope)).map(({ name }) => name)).toEqual(['whole']);
  expect(mountsBelow(r.targets).map(({ mountpoint }) => mountpoint)).toEqual([whole.active[0]?.mountPoint as string]);
  expect(fileOfLoop(device)).not.toBe(shown);
  await next.deactivate(scope, 'whole');
  expect(readdirSync(r.targets)).toEqual([]);
  hung.reject(new Error('the process it stands for is dead'));
  expect(await half).toBe('unknown');
});
