import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CreateRig, startCreateRig } from './rig.ts';

let rig: CreateRig;
beforeAll(async () => {
  rig = await startCreateRig();
}, 300_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 300_000);

test("where networks are, CNI's programs and the bridge's address go with the container", async () => {
  const netconfPath = join(rig.dataRoot, 'own-net.d');
  const globals = ['--cni-netconfpath', netconfPath, '--cni-path', '/a:/b', '--bridge-ip', '10.213.7.1/24'];
  const { out, err } = await rig.nerdctl([...globals, 'create', 'box']);
  expect(err).toBe('');
  expect((await rig.settings(out.trim())).network).toMatchObject({ netconfPath, cniPath: '/a:/b' });
  const written = readFileSync(join(netconfPath, 'nerdctl-bridge.conflist'), 'utf8');
  expect(written).toContain('"subnet": "10.213.7.0/24"');
  expect(written).toContain('"gateway": "10.213.7.1"');
  const plain = await rig.nerdctl(['create', 'box']);
  const { network } = await rig.settings(plain.out.trim());
  expect(network.netconfPath).toBe(join(rig.dataRoot, 'net.d'));
  expect(network.cniPath).toBeUndefined();
});

test('devices are described where --cdi-spec-dirs says', async () => {
  const directory = join(rig.dataRoot, 'cdi');
  mkdirSync(directory);
  const device = { name: 'one', containerEdits: { env: ['CDI=seen'] } };
  writeFileSync(
    join(directory, 'x.json'),
    JSON.stringify({ cdiVersion: '0.6.0', kind: 'berth.test/thing', devices: [device] }),
  );
  const words = ['run', '--rm', '--network', 'none', '--device', 'berth.test/thing=one', 'box', 'env'];
  expect((await rig.nerdctl(['--cdi-spec-dirs', directory, ...words])).out).toContain('CDI=seen');
  expect((await rig.nerdctl(words)).code).toBe(125);
});

test('a manager of control groups that cannot be is refused, and checkpoints without experiments', async () => {
  const { code, err } = await rig.nerdctl(['--cgroup-manager', 'none', 'create', '--network', 'none', 'box']);
  expect(code).toBe(1);
  expect(err).toContain('cgroup-manager "none" is only supported for rootless');
  const parent = ['--cgroup-manager', 'systemd', 'create', '--network', 'none', '--cgroup-parent', '/x', 'box'];
  expect((await rig.nerdctl(parent)).err).toContain('should be a valid slice named as "xxx.slice"');
  const made = await rig.nerdctl(['--cgroup-manager', 'systemd', 'create', '--network', 'none', 'box']);
  const { spec } = await rig.client.containers.get(rig.scope, made.out.trim());
  expect(Buffer.from(spec.value).toString()).toContain(`"cgroupsPath":"system.slice:nerdctl:${made.out.trim()}"`);
  const checkpoint = await rig.nerdctl(['--experimental=false', 'checkpoint', 'ls', made.out.trim()]);
  expect(checkpoint.err).toContain('checkpoint is an experimental feature');
  const start = await rig.nerdctl(['--experimental=false', 'start', '--checkpoint', 'x', made.out.trim()]);
  expect(start.err).toContain('--checkpoint is an experimental feature');
});

test("the kubelet's further names of images are hidden where that is wished", async () => {
  const image = await rig.client.images.get(rig.scope, 'docker.io/library/box:latest');
  const labels = { 'io.cri-containerd.image': 'managed' };
  await rig.client.images.create(rig.scope, { ...image, name: `example.org/box@${image.target.digest}`, labels });
  const list = ['images', '--names', '--digests'];
  expect((await rig.nerdctl(list)).out).toContain('example.org/box');
  const hidden = (await rig.nerdctl(['--kube-hide-dupe', ...list])).out;
  expect(hidden).not.toContain('example.org/box');
  expect(hidden).toContain('box:latest');
});
