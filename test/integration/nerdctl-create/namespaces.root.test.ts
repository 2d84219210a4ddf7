import { afterAll, beforeAll, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type CreateRig, startCreateRig } from './rig.ts';

let rig: CreateRig;
beforeAll(async () => {
  rig = await startCreateRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const namespaceOf = (type: string) => ['readlink', `/proc/self/ns/${type}`];
const own = (type: string) => readlinkSync(`/proc/self/ns/${type}`);

// shows: create --pid, run --pid, create --ipc, run --ipc, create --uts, run --uts, create --cgroupns, run --cgroupns
test("the host's namespaces, and those of its own", async () => {
  for (const [flag, type] of [
    ['pid', 'pid'],
    ['ipc', 'ipc'],
    ['uts', 'uts'],
  ] as const) {
    expect((await rig.said(`--${flag}=host`, 'box', ...namespaceOf(type))).trim()).toBe(own(type));
    expect((await rig.said('box', ...namespaceOf(type))).trim()).not.toBe(own(type));
  }
  expect((await rig.said('--cgroupns=private', 'box', ...namespaceOf('cgroup'))).trim()).not.toBe(own('cgroup'));
  expect((await rig.said('--uts=host', 'box', 'hostname')).trim()).toBe(hostname());
  expect((await rig.nerdctl(['create', '--pid', 'x', 'box'])).err).toContain('--pid: invalid PID mode');
});

// shows: create --hostname, run --hostname, create --domainname, run --domainname, create -h, run -h
test('host and domain name', async () => {
  const script = 'hostname; cat /proc/sys/kernel/domainname /etc/hostname; echo $HOSTNAME';
  expect(await rig.said('-h', 'me', '--domainname', 'here.test', 'box', 'sh', '-c', script)).toBe(
    'me\nhere.test\nme\nme\n',
  );
  expect((await rig.nerdctl(['create', '--uts', 'host', '-h', 'x', 'box'])).err).toContain(
    'conflicting options: hostname and the UTS mode',
  );
});

test("another container's namespaces, as it runs at that moment", async () => {
  await rig.running(
    [
      '--name',
      'donor',
      '--ipc',
      'shareable',
      '--shm-size',
      '3m',
      'box',
      'sh',
      '-c',
      'echo shared > /dev/shm/file; exec sleep 1000',
    ],
    async () => {
      // After a restart its namespaces are others.
      for (let round = 0; round < 2; round++) {
        const { out } = await rig.nerdctl(['exec', 'donor', ...namespaceOf('pid')]);
        expect(await rig.said('--pid=container:donor', 'box', ...namespaceOf('pid'))).toBe(out);
        expect(await rig.said('--uts=container:donor', 'box', 'hostname')).toBe(
          (await rig.nerdctl(['exec', 'donor', 'hostname'])).out,
        );
        const seen = await rig.said(
          '--ipc=container:donor',
          'box',
          'sh',
          '-c',
          'cat /dev/shm/file; grep /dev/shm /proc/mounts',
        );
        expect(seen).toContain('shared\n');
        expect(seen).toContain('size=3072k');
        await rig.nerdctl(['restart', '-t', '0', 'donor']);
      }
    },
  );
  const id = await rig.create('--name', 'idle', '--ipc', 'shareable', 'box', 'true');
  const joined = await rig.create('--pid', 'container:idle', 'box', 'true');
  expect((await rig.nerdctl(['start', joined])).err).toContain(`cannot join PID of a non running container: ${id}`);
  await rig.create('--name', 'private', 'box', 'true');
  expect((await rig.nerdctl(['create', '--ipc', 'container:private', 'box'])).err).toContain('non-shareable IPC');
});

// shows: create --init, run --init, create --init-binary, run --init-binary
test('a process 1 that hands on signals, collects children and ends as they do', async () => {
  const script = 'trap "exit 42" TERM; (sleep 0.1 & exit); while :; do sleep 0.2; done';
  await rig.running(['--init', '--name', 'init', 'box', 'sh', '-c', script], async () => {
    const { out } = await rig.nerdctl(['exec', 'init', 'cat', '/proc/1/cmdline']);
    expect(out.split('\0').slice(0, 3)).toEqual(['/sbin/docker-init', '--', 'sh']);
    await Bun.sleep(500);
    expect((await rig.nerdctl(['exec', 'init', 'sh', '-c', 'cat /proc/[0-9]*/stat'])).out).not.toContain(' Z ');
    await rig.nerdctl(['stop', '-t', '20', 'init']);
    expect((await rig.nerdctl(['wait', 'init'])).out).toBe('42\n');
  });
  expect((await rig.nerdctl(['create', '--init-binary', '/nosuch', 'box'])).err).toContain('init-binary /nosuch');
});

// shows: create --tty, run --tty, create --interactive, run --interactive, create --attach, run --attach, create --systemd, run --systemd
test('a terminal, input, and room for systemd', async () => {
  expect(await rig.said('-t', 'box', 'sh', '-c', 'test -t 1 && echo $TERM')).toBe('xterm\r\n');
  const id = await rig.create('-i', '-a', 'stdin', '-a', 'STDOUT', 'box', 'cat');
  expect((await rig.settings(id)).streams).toMatchObject({ openStdin: true, stdinOnce: true, terminal: false });
  const { out } = await rig.nerdctl(['start', '-ai', id], { stdin: 'handed on\n' });
  expect(out).toBe('handed on\n');
  const room = await rig.said(
    '--systemd',
    'always',
    'box',
    'sh',
    '-c',
    'echo $container; touch /run/lock/x && grep -c " /tmp tmpfs" /proc/mounts',
  );
  expect(room).toBe('docker\n1\n');
});

// shows: create --rootfs, run --rootfs, create --runtime, run --runtime
test('a directory as its root, and a runtime by its name', async () => {
  const { out } = await rig.nerdctl(['create', '--net', 'none', '--runtime', 'runc', 'box', 'true']);
  expect((await rig.nerdctl(['start', '-a', out.trim()])).code).toBe(0);
  const missing = await rig.nerdctl(['create', '--net', 'none', '--rootfs', '/nosuch', 'true']);
  expect([missing.code, missing.err.includes('rootfs /nosuch')]).toEqual([1, true]);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('berth-mount-');
});

// shows: create --userns, run --userns
test("users of its own, to whom the image's files and its volumes belong", async () => {
  // Its root, who is nobody here, must find its way to its root file system.
  chmodSync(rig.daemon.directory, 0o711);
  const ranges = join(rig.dataRoot, 'ranges');
  writeFileSync(ranges, 'root:200000:65536\n');
  const nerdctl = new URL('../../../dist/bin/nerdctl', import.meta.url).pathname;
  const flags = `-a ${rig.daemon.address} -n ${rig.scope.namespace} --data-root ${rig.dataRoot} --userns-remap root`;
  const remapped = (words: string) =>
    execFileSync(
      'unshare',
      [
        '-m',
        'sh',
        '-c',
        `mount --bind ${ranges} /etc/subuid && mount --bind ${ranges} /etc/subgid && exec ${nerdctl} ${flags} create --net none ${words}`,
      ],
      {
        encoding: 'utf8',
      },
    ).trim();
  const script =
    'id -u; cat /proc/self/uid_map; stat -c %u /data/deep/file /bin/busybox; touch /data/mine /mine && echo written';
  const id = remapped(`-v shifted:/data box sh -c '${script}'`);
  const { out, err } = await rig.nerdctl(['start', '-a', id]);
  expect([out.replaceAll(/ +/g, ' '), err]).toEqual(['0\n 0 200000 65536\n1000\n0\nwritten\n', '']);
  const data = join(rig.layout.volumes(rig.scope.namespace), 'shifted/_data');
  expect([statSync(data).uid, statSync(join(data, 'mine')).uid]).toEqual([201000, 200000]);
  const hosts = remapped('--userns host box cat /proc/self/uid_map');
  expect((await rig.nerdctl(['start', '-a', hosts])).out.trim()).toMatch(/^0 +0 /);
  expect(() => remapped('--privileged box 2>&1')).toThrow();
});

test("the machine's network, and another container's", async () => {
  const words = ['run', '--rm', '--network'];
  const host = await rig.nerdctl([...words, 'host', 'box', 'sh', '-c', 'readlink /proc/self/ns/net; hostname']);
  expect([host.out, host.err]).toEqual([`${own('net')}\n${hostname()}\n`, '']);
  const published = await rig.nerdctl(['create', '--network', 'host', '-p', '80', 'box']);
  expect(published.err).toBe('WARNING: Published ports are discarded when using host network mode\n');
  await rig.running(['--name', 'wired', 'box', 'sleep', '1000'], async () => {
    const { out } = await rig.nerdctl(['exec', 'wired', ...namespaceOf('net')]);
    const joined = await rig.nerdctl([...words, 'container:wired', 'box', ...namespaceOf('net')]);
    expect([joined.out, joined.err]).toEqual([out, '']);
    const refused = await rig.nerdctl([...words, 'container:wired', '-p', '80', 'box']);
    expect(refused.err).toContain('conflicting options: port publishing and the container type network mode');
    const named = await rig.nerdctl([...words, 'container:wired', '-h', 'x', 'box']);
    expect([named.code, named.err.includes('conflicting options: hostname and the network mode')]).toEqual([125, true]);
  });
  const path = await rig.nerdctl([...words, 'ns:/proc/self/ns/net', 'box', 'true']);
  expect([path.code, path.err]).toEqual([0, '']);
});
