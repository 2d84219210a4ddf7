import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { faultOf } from '#core/subject';
import { mountAll, unmountAll } from '#sys/mount';
import { mountsBelow } from '#sys/mountinfo';
import { type BundleRoots, createBundle, listBundles, removeBundle, removeOrphanWork, removeTree } from './bundle.ts';

let directory: string;
let roots: BundleRoots;
beforeEach(() => {
  directory = mkdtempSync('/dev/shm/berth-bundle-');
  roots = { state: join(directory, 'state'), work: join(directory, 'work') };
});
afterEach(async () => {
  for (const { mountpoint } of mountsBelow(directory).reverse()) await unmountAll(mountpoint);
  rmSync(directory, { recursive: true });
});

const spec = (value: unknown = {}) => ({ typeUrl: 'Spec', value: new TextEncoder().encode(JSON.stringify(value)) });
const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);
const tmpfs = { type: 'tmpfs', source: 'tmpfs', target: '', options: [] };

test('a bundle has its files, links and modes, and the spec byte for byte', async () => {
  const odd = { typeUrl: 'Spec', value: new TextEncoder().encode('{ "b" : 1 ,"a":2}\n') };
  const { path } = await createBundle(roots, 'ns', 'c1', odd);
  expect(readFileSync(join(path, 'config.json'), 'utf8')).toBe('{ "b" : 1 ,"a":2}\n');
  expect(readlinkSync(join(path, 'work'))).toBe(join(roots.work, 'ns/c1'));
  expect([mode(path), mode(join(path, 'rootfs')), mode(join(roots.work, 'ns/c1'))]).toEqual(['700', '711', '711']);
  expect(await faultOf(createBundle(roots, 'ns', 'c1', odd))).toBe('already_exists');
});

test('with a user namespace the group of the mapped root may pass, and nobody else', async () => {
  const gidMappings = [
    { containerID: 1, hostID: 5, size: 1 },
    { containerID: 0, hostID: 100_000, size: 65_536 },
  ];
  const mapped = await createBundle(roots, 'ns', 'c1', spec({ linux: { gidMappings } }));
  expect([mode(mapped.path), statSync(mapped.path).gid, statSync(mapped.path).uid]).toEqual(['710', 100_000, 0]);
  const unmapped = await createBundle(roots, 'ns', 'c2', spec({ linux: { gidMappings: gidMappings.slice(0, 1) } }));
  expect([mode(unmapped.path), statSync(unmapped.path).gid]).toEqual(['700', 0]);
  for (const [id, hostID] of Object.entries({ c3: -1, c4: 1.5, c5: 'x' })) {
    const { path } = await createBundle(roots, 'ns', id, spec({ linux: { gidMappings: [{ hostID }] } }));
    expect([mode(path), statSync(path).gid]).toEqual(['700', 0]);
  }
});

test('a spec that cannot be read makes no bundle, not even half of one', async () => {
  const broken = { typeUrl: 'Spec', value: new TextEncoder().encode('{"gidMappings"') };
  expect(await faultOf(createBundle(roots, 'ns', 'c1', broken))).toBe('invalid_argument');
  expect([readdirSync(join(roots.state, 'ns')), readdirSync(join(roots.work, 'ns'))]).toEqual([[], []]);
});

test('work of an earlier life is replaced', async () => {
  mkdirSync(join(roots.work, 'ns/c1'), { recursive: true });
  writeFileSync(join(roots.work, 'ns/c1/old'), '');
  await createBundle(roots, 'ns', 'c1', spec());
  expect(readdirSync(join(roots.work, 'ns/c1'))).toEqual([]);
});

test('a root file system that is still mounted is detached and keeps its files', async () => {
  const bundle = await createBundle(roots, 'ns', 'c1', spec());
  const precious = join(directory, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'file'), 'kept');
  const bind = { type: 'bind', source: precious, target: '', options: ['rbind'] };
  // Twice, and a mount inside: as after a restart that mounted again.
  for (let time = 0; time < 2; time++) await mountAll([bind], join(bundle.path, 'rootfs'));
  mkdirSync(join(precious, 'inner'));
  await mountAll([tmpfs], join(bundle.path, 'rootfs/inner'));
  await removeBundle(bundle);
  expect([existsSync(bundle.path), mountsBelow(bundle.path).length]).toEqual([false, 0]);
  expect(readdirSync(precious).toSorted()).toEqual(['file', 'inner']);
  expect(existsSync(join(roots.work, 'ns/c1'))).toBe(false);
});

test('what a container without a root file system of its own wrote there goes, and what is mounted in it stays whole', async () => {
  const bundle = await createBundle(roots, 'ns', 'c1', spec());
  const precious = join(directory, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'file'), 'kept');
  mkdirSync(join(bundle.path, 'rootfs/etc'));
  mkdirSync(join(bundle.path, 'rootfs/data'));
  symlinkSync(precious, join(bundle.path, 'rootfs/link'));
  const bind = { type: 'bind', source: precious, target: '', options: ['rbind'] };
  await mountAll([bind], join(bundle.path, 'rootfs/data'));
  await removeBundle(bundle);
  expect([existsSync(bundle.path), readdirSync(join(roots.state, 'ns')), readdirSync(precious)]).toEqual([
    false,
    [],
    ['file'],
  ]);
});

test('removal that was cut short is found and finished; a name that came again is not touched by it', async () => {
  const first = await createBundle(roots, 'ns', 'c1', spec());
  const doomed = join(roots.state, 'ns/.c1');
  mkdirSync(join(doomed, 'rootfs'), { recursive: true });
  await mountAll([tmpfs], join(doomed, 'rootfs'));
  expect(await listBundles(roots)).toEqual({ bundles: [first], leftovers: [doomed] });
  await removeTree(doomed);
  expect(readdirSync(join(roots.state, 'ns'))).toEqual(['c1']);
  // And one whose leftover is still there when the name is removed again.
  mkdirSync(join(doomed, 'rootfs'), { recursive: true });
  writeFileSync(join(doomed, 'rootfs/file'), '');
  await removeBundle(first);
  await removeBundle(first);
  expect(readdirSync(join(roots.state, 'ns'))).toEqual([]);
});

test('work directories without a bundle go, those with one stay', async () => {
  await createBundle(roots, 'ns', 'c1', spec());
  mkdirSync(join(roots.work, 'ns/orphan/criu'), { recursive: true });
  mkdirSync(join(roots.work, 'gone/orphan'), { recursive: true });
  await removeOrphanWork(roots);
  expect([readdirSync(join(roots.work, 'ns')), readdirSync(join(roots.work, 'gone'))]).toEqual([['c1'], []]);
  expect(lstatSync(join(roots.state, 'ns/c1/work')).isSymbolicLink()).toBe(true);
});

test('roots that are not there yet hold nothing', async () => {
  expect(await listBundles(roots)).toEqual({ bundles: [], leftovers: [] });
  await removeOrphanWork(roots);
  expect(readdirSync(directory)).toEqual([]);
});
