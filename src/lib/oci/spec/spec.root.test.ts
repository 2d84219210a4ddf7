import { afterAll, beforeAll, expect, test } from 'bun:test';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { digestOf } from '../../digest.ts';
import { ctrJson, goJson } from '../../go-json.ts';
import { defaultPlatform } from '../../platform.ts';
import { decodeImageConfig } from '../image-config.ts';
import { mediaTypes } from '../media-types.ts';
import { resolveUser } from '../user.ts';
import { currentCapabilities, withAddedCapabilities, withDroppedCapabilities } from './capabilities.ts';
import { defaultSpec } from './default-spec.ts';
import { devicesAt, hostDevices, withDevices } from './devices.ts';
import { encodeSpec } from './encode-spec.ts';
import { withImageConfig } from './image.ts';
import { parseMount, withHostNames, withMounts } from './mounts.ts';
import { parseIdMapping, parseNamespace, withHostNamespace, withNamespace, withUserNamespace } from './namespaces.ts';
import { withPrivileges } from './privileged.ts';
import * as process_ from './process.ts';
import * as resources from './resources.ts';
import { defaultSeccomp, withSeccomp } from './seccomp.ts';
import type { Spec } from './spec.ts';

/** Debian's containerd and ctr make specs; ours must be the same bytes for the same flags. Needs root, as containerd does. */

const run = promisify(execFile);
const containers = { count: 0 };
let dir = '';
let stop = async () => {};

beforeAll(async () => {
  dir = mkdtempSync('/dev/shm/berth-spec-');
  const config = `version = 2
root = "${dir}/root"
state = "${dir}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${dir}/c.sock"
`;
  writeFileSync(join(dir, 'config.toml'), config);
  const daemon = spawn('containerd', ['-c', join(dir, 'config.toml')], { stdio: 'ignore' });
  stop = async () => {
    daemon.kill('SIGTERM');
    await once(daemon, 'exit');
  };
  mkdirSync(join(dir, 'rootfs/etc'), { recursive: true });
  writeFileSync(join(dir, 'rootfs/etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/:/bin/sh\n');
  writeFileSync(join(dir, 'rootfs/etc/group'), 'root:x:0:\nbob:x:1000:\naudio:x:29:bob,root\nstaff:x:50:bob\n');
  for (let tries = 0; tries < 1_000; tries++) {
    if (
      await ctr('version').then(
        () => true,
        () => false,
      )
    )
      return;
    await delay(50);
  }
  throw new Error('containerd does not answer');
}, 120_000);

afterAll(async () => {
  await stop();
  rmSync(dir, { recursive: true });
});

async function ctr(...args: string[]): Promise<string> {
  const { stdout } = await run('ctr', ['-a', join(dir, 'c.sock'), ...args], { timeout: 60_000, maxBuffer: 1 << 24 });
  return stdout;
}

/** The spec that Debian's ctr makes, as its own JSON. */
async function theirs(id: string): Promise<Spec> {
  const shown = await ctr('containers', 'info', id);
  const info = JSON.parse(shown);
  expect(`${ctrJson(info)}\n`).toBe(shown);
  return info.Spec;
}

/** Debian's release is older than the hiding of the energy counters; otherwise nothing may differ, the order of keys included. */
function expectSame(ours: Spec, other: Spec): void {
  const { maskedPaths } = ours.linux ?? {};
  const older = {
    ...ours,
    linux: {
      ...ours.linux,
      ...(maskedPaths && { maskedPaths: maskedPaths.filter((path) => !path.includes('powercap')) }),
    },
  };
  expect(JSON.parse(Buffer.from(encodeSpec(older)).toString())).toEqual(other);
  expect(Buffer.from(encodeSpec(older)).toString()).toBe(goJson(other));
}

/** What ctr does for `--rootfs ROOTFS ID sh`. */
const base = (id: string) =>
  process_.withArgs(process_.withRootfs(defaultSpec(id, 'default'), join(dir, 'rootfs')), ['sh']);

type Change = (spec: Spec) => Spec | Promise<Spec>;
const { withCpuShares } = resources;
const table: [flags: string, change: Change][] = [
  ['', (spec) => spec],
  ['--cwd /x --read-only', (spec) => process_.withReadonlyRootfs(process_.withCwd(spec, '/x'))],
  [
    '--env A=b --env PATH=/p --env A=c --env X --env Y=',
    (spec) => process_.withEnv(spec, ['A=b', 'PATH=/p', 'A=c', 'X', 'Y=']),
  ],
  ['--tty --env TERM=foo', (spec) => process_.withTty(process_.withEnv(spec, ['TERM=foo']))],
  [
    '--label z=v --annotation a=<b>&',
    (spec) => process_.withAnnotations(process_.withAnnotations(spec, { z: 'v' }), { a: '<b>&' }),
  ],
  [
    '--mount type=bind,src=/tmp,dst=/host,options=rbind:ro --mount source=/a,destination=/b',
    (spec) =>
      withMounts(spec, ['type=bind,src=/tmp,dst=/host,options=rbind:ro', 'source=/a,destination=/b'].map(parseMount)),
  ],
  [
    '--net-host',
    (spec) => process_.withEnv(withHostNames(withHostNamespace(spec, 'network')), [`HOSTNAME=${hostname()}`]),
  ],
  ['--allow-new-privs', process_.withNewPrivileges],
  ['--memory-limit 1000', (spec) => resources.withMemoryLimit(spec, 1000)],
  [
    '--with-ns network:/x --with-ns cgroup:/c',
    (spec) => withNamespace(withNamespace(spec, parseNamespace('network:/x')), parseNamespace('cgroup:/c')),
  ],
  [
    '--cap-add CAP_SYS_ADMIN --cap-add CAP_CHOWN',
    (spec) => withAddedCapabilities(spec, ['CAP_SYS_ADMIN', 'CAP_CHOWN']),
  ],
  ['--cap-drop CAP_CHOWN --cap-drop CAP_NOPE', (spec) => withDroppedCapabilities(spec, ['CAP_CHOWN', 'CAP_NOPE'])],
  ['--device /dev/null', async (spec) => withDevices(spec, await devicesAt('/dev/null'))],
  ['--device /dev/net', async (spec) => withDevices(spec, await devicesAt('/dev/net'))],
  ['--rdt-class foo', (spec) => resources.withRdtClass(spec, 'foo')],
  ['--apparmor-profile p', (spec) => process_.withApparmorProfile(spec, 'p')],
  [
    '--privileged --mount type=cgroup,dst=/y,options=ro',
    async (spec) => privileged(withMounts(spec, [parseMount('type=cgroup,dst=/y,options=ro')])),
  ],
  ['--seccomp', seccomp],
  ['--seccomp --cap-add CAP_SYS_ADMIN', (spec) => seccomp(withAddedCapabilities(spec, ['CAP_SYS_ADMIN']))],
  ['--seccomp --cap-drop CAP_SYS_CHROOT', (spec) => seccomp(withDroppedCapabilities(spec, ['CAP_SYS_CHROOT']))],
  ['--seccomp --privileged', async (spec) => seccomp(await privileged(spec))],
];

async function privileged(spec: Spec): Promise<Spec> {
  return withPrivileges(spec, { capabilities: await currentCapabilities(), devices: await hostDevices() });
}

function seccomp(spec: Spec): Spec {
  return withSeccomp(spec, defaultSeccomp(spec, defaultPlatform().architecture));
}

for (const [flags, change] of table) {
  test(`ctr containers create ${flags} makes the same spec`, async () => {
    const id = `c${containers.count++}`;
    const list = flags === '' ? [] : flags.split(' ');
    await ctr('containers', 'create', '--rootfs', ...list, join(dir, 'rootfs'), id, 'sh');
    expectSame(await change(base(id)), await theirs(id));
  });
}

const runTable: [flags: string, change: (spec: Spec) => Spec][] = [
  ['--cpus 0.5', (spec) => withCpuShares(resources.withCpus(spec, 0.5), 1024)],
  [
    '--cpu-quota 5000 --cpu-period 20000 --cpu-shares 5',
    (spec) => withCpuShares(resources.withCpuQuota(spec, 5000, 20_000), 5),
  ],
  ['--cpu-shares 0 --cgroup /foo', (spec) => resources.withCgroup(spec, '/foo')],
  ['--cpu-shares 0 --cgroup=', (spec) => resources.withCgroup(spec, '')],
  ['--cpu-shares 0 --rootfs-propagation shared', (spec) => resources.withRootfsPropagation(spec, 'shared')],
];

for (const [flags, change] of runTable) {
  test(`ctr run ${flags} makes the same spec`, async () => {
    const id = `r${containers.count++}`;
    // Only the spec is wanted: a runtime that fails leaves the container without a task.
    const list = [
      'run',
      '-d',
      '--null-io',
      '--runc-binary',
      '/bin/false',
      '--rootfs',
      ...flags.split(' '),
      join(dir, 'rootfs'),
      id,
      'sh',
    ];
    await expect(ctr(...list)).rejects.toThrow();
    expectSame(change(base(id)), await theirs(id));
  });
}

/** Makes an image with that configuration and imports it. */
async function image(name: string, config: object): Promise<Uint8Array> {
  const layout = join(dir, name);
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const put = (mediaType: string, bytes: Uint8Array) => {
    const digest = digestOf(bytes);
    writeFileSync(join(layout, 'blobs/sha256', digest.slice(7)), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  await run('tar', ['-C', join(dir, 'rootfs'), '-cf', join(dir, 'layer.tar'), '.']);
  const layer = await readFile(join(dir, 'layer.tar'));
  const { os, architecture } = defaultPlatform();
  const json = (value: object) => Buffer.from(JSON.stringify(value));
  const bytes = json({ os, architecture, config, rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } });
  const manifest = {
    schemaVersion: 2,
    config: put(mediaTypes.ociConfig, bytes),
    layers: [put(mediaTypes.ociLayer, layer)],
  };
  const entry = {
    ...put(mediaTypes.ociManifest, json(manifest)),
    annotations: { 'io.containerd.image.name': `test/${name}:1` },
  };
  writeFileSync(join(layout, 'index.json'), json({ schemaVersion: 2, manifests: [entry] }));
  writeFileSync(join(layout, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
  await run('tar', ['-C', layout, '-cf', join(dir, `${name}.tar`), '.']);
  await ctr('images', 'import', join(dir, `${name}.tar`));
  return bytes;
}

const readAccounts = (path: string) => readFile(join(dir, 'rootfs', path));
const users = [
  '',
  'root',
  'bob',
  '1000',
  '1000:29',
  'bob:audio',
  '5000',
  '5000:bob',
  '5000:6000',
  'bob:0',
  '0:29',
  ':29',
];

for (const [i, user] of users.entries()) {
  test(`an image with USER ${JSON.stringify(user)} gives the same spec`, async () => {
    const bytes = await image(`user${i}`, {
      User: user,
      Env: ['PATH=/bin', 'FOO=bar'],
      Entrypoint: ['/e'],
      Cmd: ['c'],
      WorkingDir: '/w',
    });
    const id = `i${containers.count++}`;
    await ctr('containers', 'create', '--env', 'FOO=new', '--env', 'X=y', `test/user${i}:1`, id);
    const { config } = decodeImageConfig(bytes);
    const env = process_.withEnv(defaultSpec(id, 'default'), ['FOO=new', 'X=y']);
    expectSame(withImageConfig(env, config, { user: await resolveUser(user, readAccounts) }), await theirs(id));
  });
}

test('an image that says nothing gives the same spec', async () => {
  const bytes = await image('bare', {});
  const id = `i${containers.count++}`;
  await ctr('containers', 'create', 'test/bare:1', id);
  const { config } = decodeImageConfig(bytes);
  expectSame(
    withImageConfig(defaultSpec(id, 'default'), config, { user: await resolveUser('', readAccounts) }),
    await theirs(id),
  );
});

test('id mappings give the same spec', async () => {
  const bytes = await image('mapped', { Cmd: ['c'] });
  const id = `i${containers.count++}`;
  const maps = ['--uidmap', '0:1000:10', '--gidmap', '0:2000:10'];
  const list = [
    'run',
    '-d',
    '--null-io',
    '--cpu-shares',
    '0',
    '--runc-binary',
    '/bin/false',
    ...maps,
    'test/mapped:1',
    id,
  ];
  await expect(ctr(...list)).rejects.toThrow();
  const { config } = decodeImageConfig(bytes);
  const spec = withImageConfig(defaultSpec(id, 'default'), config, { user: await resolveUser('', readAccounts) });
  expectSame(withUserNamespace(spec, [parseIdMapping('0:1000:10')], [parseIdMapping('0:2000:10')]), await theirs(id));
});
