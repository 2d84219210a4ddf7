import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { classOf } from '#base/errors';
import { packProcess } from '#client/any-json';
import { fifoIo } from '#client/task-io';
import { rootSnapshot } from '#client/unpacked';
import type { Image } from '#core/images/images';
import { defaultSpec } from '#lib/oci/spec/default-spec';
import type { Spec } from '#lib/oci/spec/spec';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { shimOf } from '#test/support/busybox-daemon';
import { makeContainer } from '#test/support/containers';
import { onTheMachine } from '#test/support/nothing-left';
import { type Bed, type Ended, imageOf, pulled, running, runOnce, sh, startBed, thrownBy } from './bed.ts';

setDefaultTimeout(120_000);
let on: Bed;
let image: Image;
beforeAll(async () => {
  on = await startBed();
  image = await pulled(on, 'plain', imageOf({}));
}, 120_000);
afterAll(() => on[Symbol.asyncDispose](), 120_000);

const rooted = { user: { uid: 0, gid: 0 }, cwd: '/', env: ['PATH=/bin'] };

/** Runs a further process to its end. */
async function execIn(id: string, execId: string, args: readonly string[], process: object = {}): Promise<Ended> {
  const { client, scope } = on;
  const out: Uint8Array[] = [];
  const keep = async (bytes: Uint8Array) => void out.push(Buffer.from(bytes));
  await using io = await fifoIo(execId, { stdout: keep, stderr: keep }, { terminal: false });
  await client.tasks.exec(scope, id, { execId, ...io.stdio, spec: packProcess({ ...rooted, ...process, args }) });
  await client.tasks.start(scope, id, execId);
  const { exitStatus } = await client.tasks.wait(scope, id, execId);
  await client.tasks.deleteProcess(scope, id, execId);
  await Promise.race([io.drained, wait(30_000)]);
  return { code: exitStatus, out: Buffer.concat(out).toString() };
}

const end = (id: string) => on.client.tasks.kill(on.scope, id, { execId: '', signal: 9, all: true });
const inheritable = (status: string) => /^CapInh:\s*(\w+)/m.exec(status)?.[1];
const none = '0000000000000000';

test('CVE-2022-24769: no process of a container has inheritable capabilities', async () => {
  const { out } = await runOnce(on, image, { id: 'inh', args: sh('cat /proc/self/status') });
  expect(inheritable(out)).toBe(none);
});

test('CVE-2022-29162: neither has one that is added to it, capabilities or not', async () => {
  const seen: (string | undefined)[] = [];
  const capabilities = ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'];
  await running(on, image, { id: 'inh-exec', args: ['/bin/sleep', '1000'] }, async () => {
    seen.push(inheritable((await execIn('inh-exec', 'a', ['/bin/cat', '/proc/self/status'])).out));
    const more = { capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities } };
    seen.push(inheritable((await execIn('inh-exec', 'b', ['/bin/cat', '/proc/self/status'], more)).out));
    await end('inh-exec');
  });
  expect(seen).toEqual([none, none]);
});

test('GHSA-7ww5-4wqc-m92c, CVE-2020-8694: how much energy the machine uses is not to be read in a container', async () => {
  expect(defaultSpec('x', 'y').linux?.maskedPaths).toContain('/sys/devices/virtual/powercap');
  const { out } = await runOnce(on, image, {
    id: 'energy',
    args: sh('ls -R /sys/devices/virtual/powercap; cat /sys/class/powercap/*/energy_uj'),
  });
  expect(out).not.toMatch(/intel-rapl:0|^\d+$/m);
});

test('CVE-2024-21626: no descriptor of the host is open in a process of a container, in runc or in a shim', async () => {
  const list = 'ls -l /proc/$$/fd';
  // A runtime that tells what it was started with.
  const program = join(on.host, 'runc-that-tells');
  const told = join(on.host, 'told');
  const script = `opendir(D, "/proc/self/fd"); my @f = map { "$_ " . readlink("/proc/self/fd/$_") . "\\n" } readdir D;
    open(L, ">>", "${told}"); print L @f; close L; exec "runc", @ARGV;`;
  writeFileSync(program, `#!/usr/bin/perl\n${script}\n`);
  chmodSync(program, 0o755);
  const name = Buffer.from(program);
  const options = {
    typeUrl: 'containerd.runc.v1.Options',
    value: Buffer.concat([Buffer.from([0x32, name.length]), name]),
  };
  const runtime = { name: 'io.containerd.runc.v2', options };
  let inExec = '';
  const { out } = await running(on, image, { id: 'fds', args: sh(`${list}; sleep 1000`), runtime }, async (pid) => {
    inExec = (await execIn('fds', 'e', sh(list))).out;
    const ofInit = readdirSync(`/proc/${pid}/fd`).map(Number);
    expect(ofInit.filter((fd) => fd > 2)).toEqual([]);
    const shim = shimOf(on.daemon, 'fds');
    const ofShim = readdirSync(`/proc/${shim}/fd`).map((fd) => readlinkSync(`/proc/${shim}/fd/${fd}`));
    expect(ofShim.filter((target) => target.startsWith(on.daemon.root) || /sqlite|\.git|dist\//.test(target))).toEqual(
      [],
    );
    await end('fds');
  });
  const open = (text: string) => [...text.matchAll(/ (\d+) -> /g)].map(([, fd]) => Number(fd));
  expect([open(out), open(inExec)]).toEqual([
    [0, 1, 2],
    [0, 1, 2],
  ]);
  const lines = readFileSync(told, 'utf8')
    .split('\n')
    .filter((line) => /^\d+ /.test(line));
  expect(lines.length).toBeGreaterThan(15);
  // The program itself, and the list that it reads.
  const own = (line: string) => line.endsWith(program) || /\/proc\/\d+\/fd$/.test(line);
  expect(lines.filter((line) => Number(line.split(' ')[0]) > 2 && !own(line))).toEqual([]);
});

test('CVE-2024-21626: a working directory by way of a descriptor leads into no directory of the host', async () => {
  for (let fd = 3; fd < 13; fd++) {
    const cwd = `/proc/self/fd/${fd}`;
    const spec = (usual: Spec): Spec => ({ ...usual, process: { ...usual.process!, cwd } });
    const ended = await runOnce(on, image, {
      id: `cwd${fd}`,
      args: sh('cat ../../../etc/hostname ../../../../etc/hostname'),
      spec,
    }).catch(() => undefined);
    expect([cwd, ended?.out.includes(readFileSync('/etc/hostname', 'utf8').trim()) ?? false]).toEqual([cwd, false]);
  }
  await running(on, image, { id: 'cwd', args: ['/bin/sleep', '1000'] }, async () => {
    for (let fd = 3; fd < 13; fd++) {
      const ended = await execIn('cwd', `e${fd}`, sh('ls ../../../ | head -40'), { cwd: `/proc/self/fd/${fd}` }).catch(
        () => undefined,
      );
      await on.client.tasks.deleteProcess(on.scope, 'cwd', `e${fd}`).catch(() => {}); // the one that could not be started
      expect(ended?.out.includes('vmlinuz') ?? false).toBe(false);
    }
    await end('cwd');
  });
});

test('CVE-2021-43784: mappings too long for what runc sends to itself are an error, and nothing stays', async () => {
  const mappings = Array.from({ length: 8000 }, (_, i) => ({ containerID: i, hostID: 100_000 + i, size: 1 }));
  const spec = (usual: Spec): Spec => ({
    ...usual,
    linux: {
      ...usual.linux,
      namespaces: [...(usual.linux?.namespaces ?? []), { type: 'user' }],
      uidMappings: mappings,
      gidMappings: mappings,
    },
  });
  expect(await thrownBy(runOnce(on, image, { id: 'mappings', args: sh('true'), spec }))).toBeDefined();
  expect(onTheMachine(on.daemon, on.scope.namespace)).toEqual([]);
});

test('CVE-2023-25809: control groups are not to be written in a container', async () => {
  const mount = {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['ro', 'nosuid', 'noexec', 'nodev'],
  };
  const spec = (usual: Spec): Spec => ({ ...usual, mounts: [...(usual.mounts ?? []), mount] });
  const script =
    'for d in /sys/fs/cgroup /sys/fs/cgroup/*; do [ -e $d/cgroup.procs ] && mkdir $d/evil && echo made $d; done';
  for (const [id, change] of [
    ['cg-usual', (usual: Spec) => usual],
    ['cg-mounted', spec],
  ] as const) {
    const { out } = await runOnce(on, image, { id, args: sh(script), spec: change });
    expect([id, out.includes('made')]).toEqual([id, false]);
  }
});

test('CVE-2025-47291: a container with a user namespace of its own is in the control group that its spec names', async () => {
  const parent = `/${on.scope.namespace}/pod-of-the-test`;
  const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const spec = (usual: Spec): Spec => ({
    ...usual,
    linux: {
      ...usual.linux,
      cgroupsPath: `${parent}/child`,
      namespaces: [...(usual.linux?.namespaces ?? []), { type: 'user' }],
      uidMappings: ids,
      gidMappings: ids,
    },
    // What needs rights over the host's namespaces.
    mounts: (usual.mounts ?? []).filter(({ type }) => type !== 'mqueue'),
  });
  // The directories above a container's must let its root through: they are the host's root's.
  for (const path of [on.daemon.directory, on.daemon.root, on.daemon.state]) chmodSync(path, 0o711);
  let groups = '';
  const started = await thrownBy(
    running(on, image, { id: 'userns', args: ['/bin/sleep', '1000'], spec }, async (pid) => {
      groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
      await end('userns');
    }),
  );
  expect(started).toBeUndefined();
  // The runtime removes the group of the container only.
  for (const hierarchy of readdirSync('/sys/fs/cgroup')) {
    const left = join('/sys/fs/cgroup', hierarchy, parent);
    if (existsSync(left)) rmdirSync(left);
  }
  const memory = groups.split('\n').find((line) => /:memory:|^0::/.test(line)) ?? '';
  expect(memory.split(':')[2]).toBe(`${parent}/child`);
});

test('CVE-2026-53495: a process that leaves a child with its output does not hold up its own end', async () => {
  const { client, scope } = on;
  await running(on, image, { id: 'child', args: ['/bin/sleep', '1000'] }, async () => {
    const sink = async () => {};
    await using io = await fifoIo('parent', { stdout: sink, stderr: sink }, { terminal: false });
    await client.tasks.exec(scope, 'child', {
      execId: 'parent',
      ...io.stdio,
      spec: packProcess({ ...rooted, args: sh('sleep 1000 & exit 7') }),
    });
    await client.tasks.start(scope, 'child', 'parent');
    const begin = performance.now();
    expect((await client.tasks.wait(scope, 'child', 'parent')).exitStatus).toBe(7);
    expect((await client.tasks.deleteProcess(scope, 'child', 'parent')).exitStatus).toBe(7);
    expect(performance.now() - begin).toBeLessThan(60_000);
    await end('child');
  });
});

test('CVE-2022-31030: what a process prints without end costs the daemon and the shim no memory', async () => {
  const resident = (pid: number) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  await running(on, image, { id: 'loud', args: ['/bin/sleep', '1000'] }, async () => {
    const { client, scope, daemon } = on;
    const shim = shimOf(daemon, 'loud');
    const before = [resident(daemon.pid), resident(shim)] as const;
    // Nobody reads: the fifo's reader is held open and never looks.
    const read = Promise.withResolvers<void>();
    await using io = await fifoIo('yes', { stdout: () => read.promise }, { terminal: false });
    await client.tasks.exec(scope, 'loud', {
      execId: 'yes',
      ...io.stdio,
      spec: packProcess({ ...rooted, args: ['/bin/yes'] }),
    });
    await client.tasks.start(scope, 'loud', 'yes');
    await wait(1_500);
    expect(resident(daemon.pid) - before[0]).toBeLessThan(64 << 10);
    expect(resident(shim) - before[1]).toBeLessThan(4 << 10);
    await client.tasks.kill(scope, 'loud', { execId: 'yes', signal: 9, all: false });
    await client.tasks.wait(scope, 'loud', 'yes');
    read.resolve();
    await client.tasks.deleteProcess(scope, 'loud', 'yes');
    await end('loud');
  });
});

test('CVE-2021-30465: a part of a root that is to be mounted below it stays below, whatever links are in it', async () => {
  const { client, scope, daemon } = on;
  const victim = join(on.host, 'mounted-over');
  writeFileSync(victim, 'host');
  const linked = await pulled(on, 'links', imageOf({}, { name: 'way', type: 'symlink', linkName: on.host }));
  const snapshotter = await client.snapshotter(scope, 'overlayfs');
  const top = await rootSnapshot(client, scope, linked.target, onlyPlatform(defaultPlatform()));
  const container = await makeContainer(client, scope, 'parts', { top, args: ['/bin/true'] });
  const mounts = await snapshotter.mounts(scope, container.snapshotKey);
  for (const target of ['way', '../../../../../../tmp', `..${on.host}`]) {
    const rootfs = [...mounts, { type: 'tmpfs', source: 'tmpfs', target, options: ['ro'] }];
    const error = await thrownBy(
      client.tasks.create(scope, 'parts', { rootfs, stdin: '', stdout: '', stderr: '', terminal: false }),
    );
    if (error === undefined) await client.tasks.delete(scope, 'parts');
    expect([target, classOf(error) === 'internal']).toEqual([target, false]);
    expect(readFileSync(victim, 'utf8')).toBe('host');
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(` ${on.host} `);
  }
  await snapshotter.remove(scope, container.snapshotKey);
  await client.containers.delete(scope, 'parts');
  expect(existsSync(daemon.state)).toBe(true);
});
