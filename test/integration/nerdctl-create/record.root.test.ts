import { afterAll, beforeAll, expect, test } from 'bun:test';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type CreateRig, startCreateRig } from './rig.ts';

let rig: CreateRig;
beforeAll(async () => {
  rig = await startCreateRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const create = (...words: readonly string[]) => rig.nerdctl(['create', '--net', 'none', ...words]);

// shows: create --name, run --name, create --cidfile, run --cidfile, create --label, run --label, create --label-file, run --label-file, create --annotation, run --annotation
test('names, files with ids, labels and annotations', async () => {
  const cidFile = join(rig.dataRoot, 'cid');
  const labels = join(rig.dataRoot, 'labels');
  writeFileSync(labels, 'file=1\nboth=file\n');
  const id = await rig.create(
    '--name',
    'web',
    '--cidfile',
    cidFile,
    '-l',
    'both=flag',
    '-l',
    'bare',
    '--label-file',
    labels,
    '--annotation',
    'x.y/z=1',
    'box',
  );
  expect([readFileSync(cidFile, 'utf8'), id.length]).toEqual([id, 64]);
  const container = await rig.client.containers.get(rig.scope, id);
  expect(container.labels).toMatchObject({
    from: 'image',
    file: '1',
    both: 'flag',

    'nerdctl/name': 'web',
    'nerdctl/namespace': rig.scope.namespace,
  });
  expect((await rig.settings(id)).config.Labels).toMatchObject({ bare: '' });
  expect(JSON.parse(Buffer.from(container.spec.value).toString()).annotations).toEqual({ 'x.y/z': '1' });
  const taken = await create('--name', 'web', 'box');
  expect([taken.code, taken.err]).toEqual([
    1,
    `Error response from daemon: Conflict. The container name "/web" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.\n`,
  ]);
  expect((await create('--cidfile', cidFile, 'box')).err).toContain(
    `container ID file found, make sure the other container isn't running or delete ${cidFile}`,
  );
  expect((await create('-l', 'nerdctl/name=x', 'box')).err).toContain('are reserved');
  const made = await rig.create('box');
  expect((await rig.settings(made)).name).toBe(`box-${made.slice(0, 5)}`);
  expect((await rig.nerdctl(['rm', made.slice(0, 9), '/web'])).code).toBe(0);
});

test('of many who want one name at once one has it, and nothing of the others stays', async () => {
  const before = await rig.things();
  const all = await Promise.all(Array.from({ length: 8 }, () => create('--name', 'wanted', '-v', '/data', 'box')));
  const made = all.filter(({ code }) => code === 0).map(({ out }) => out.trim());
  expect(made.length).toBe(1);
  expect(all.filter(({ code, err }) => code === 1 && err.includes('already in use')).length).toBe(7);
  await rig.nerdctl(['rm', '-v', 'wanted']);
  expect(await rig.things()).toEqual(before);
});

test('what cannot be is refused in one line, and nothing stays', async () => {
  const before = await rig.things();
  for (const [words, wanted] of [
    ['--name a/b box', 'Invalid container name (a/b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed'],
    [`--name ${'x'.repeat(300)} box`, 'longer than 255 characters'],
    ['--pull never nosuch', 'No such image: nosuch:latest'],
    [
      '--pull never --platform linux/s390x box',
      'image with reference box:latest was found but does not provide the specified platform (linux/s390x)',
    ],
    ['Box', 'repository name (library/Box) must be lowercase'],
    [`--label x=${'y'.repeat(5000)} box`, 'at most 4096 bytes'],
    ['--runtime nosuch box', 'unknown or invalid runtime name: nosuch'],
    ['--restart sometimes box', "invalid restart policy: unknown policy 'sometimes'"],
    ['--rm --restart always box', 'conflicting options: cannot specify both --restart and --rm'],
    ['--stop-signal FOO box', 'invalid signal: FOO'],
    ['--pid container:nobody box', 'No such container: nobody'],
    ['--log-opt a=b box', "unknown log opt 'a' for json-file log driver"],
    ['--log-driver foo box', 'error looking up logging plugin foo: plugin "foo" not found'],
    ['--isolation hyperv box', '--isolation: only where docker runs on Windows'],
    ['ipfs://abc', 'only names of registries are understood'],
  ] as const) {
    const { code, err } = await create(...words.split(' '));
    expect([words, code > 0, err.includes(wanted), err.trim().split('\n').length < 3]).toEqual([
      words,
      true,
      true,
      true,
    ]);
  }
  expect(await rig.things()).toEqual(before);
});

// shows: create --pull, run --pull, create --quiet, run --quiet, create --platform, run --platform
test('images are fetched when they are not here, or always', async () => {
  const name = `${rig.registry}/lib/box:v1`;
  const missing = await create('--pull', 'never', name);
  expect(missing.err).toBe(`Error response from daemon: No such image: ${name}\n`);
  const http = ['--insecure-registry', 'create', '--net', 'none'];
  const first = await rig.nerdctl([...http, '--platform', 'linux/amd64', name]);
  expect([first.code, first.err.split('\n')[0]]).toEqual([0, `Unable to find image '${name}' locally`]);
  expect(first.out).toMatch(/^[0-9a-f]{64}\n$/);
  const second = await rig.nerdctl([...http, name]);
  expect([second.code, second.err]).toEqual([0, '']);
  const again = await rig.nerdctl([...http, '--pull', 'always', '-q', name]);
  expect([again.code, again.err]).toEqual([0, '']);
  const { target } = await rig.client.images.get(rig.scope, name);
  expect((await create(target.digest.slice(7, 19))).code).toBe(0);
  // One that was fetched without being unpacked is unpacked then.
  await rig.nerdctl(['--insecure-registry', 'pull', '-q', '--unpack=false', `${rig.registry}/lib/box:other`]);
  expect(await rig.said(`${rig.registry}/lib/box:other`, 'echo', 'unpacked')).toBe('unpacked\n');
  for (const { out } of [first, second, again]) await rig.nerdctl(['rm', out.trim()]);
});

// shows: create --restart, run --restart, create --stop-signal, run --stop-signal, create --stop-timeout, run --stop-timeout, create --log-driver, run --log-driver, create --log-opt, run --log-opt
test('what the daemon is to do for it', async () => {
  const id = await rig.create(
    '--restart',
    'on-failure:3',
    '--stop-signal',
    'SIGUSR1',
    '--stop-timeout',
    '7',
    '--log-opt',
    'max-size=10m',
    '--log-opt',
    'max-file=3',
    '--log-opt',
    'tag={{.Name}}/{{.ID}}',
    '--log-opt',
    'env=FROM',
    '--name',
    'kept',
    'box',
  );
  const { labels } = await rig.client.containers.get(rig.scope, id);
  expect([labels['containerd.io/restart.policy'], labels['containerd.io/restart.status']]).toEqual([
    'on-failure:3',
    undefined,
  ] as string[]);
  const settings = await rig.settings(id);
  expect([settings.stopSignal, settings.stopTimeout]).toEqual(['SIGUSR1', 7]);
  const { searchParams } = new URL(settings.streams.stdout);
  expect([searchParams.get('max-size'), searchParams.get('max-file')]).toEqual([String(10 << 20), '3']);
  expect(JSON.parse(searchParams.get('attrs') ?? '')).toEqual({ FROM: 'image', tag: `kept/${id.slice(0, 12)}` });
  await rig.nerdctl(['start', '-a', id]);
  expect(JSON.parse(readFileSync(settings.streams.logPath, 'utf8'))).toMatchObject({
    log: 'the image says so\n',
    attrs: { FROM: 'image' },
  });
  await rig.nerdctl(['rm', '-f', id]);
  expect(existsSync(settings.stateDir)).toBe(false);
});

// shows: create --health-cmd, run --health-cmd, create --health-interval, run --health-interval, create --health-timeout, run --health-timeout, create --health-retries, run --health-retries, create --health-start-period, run --health-start-period, create --health-start-interval, run --health-start-interval, create --no-healthcheck, run --no-healthcheck
test('how its health is found out', async () => {
  const words = [
    '--health-cmd',
    'test -e /x',
    '--health-interval',
    '2s',
    '--health-timeout',
    '500ms',
    '--health-retries',
    '4',
    '--health-start-period',
    '1m',
    '--health-start-interval',
    '3s',
  ];
  const id = await rig.create(...words, 'box');
  expect((await rig.settings(id)).health).toEqual({
    test: ['CMD-SHELL', 'test -e /x'],
    interval: 2e9,
    timeout: 5e8,
    retries: 4,
    startPeriod: 6e10,
    startInterval: 3e9,
  });
  expect((await rig.settings(await rig.create('--no-healthcheck', 'box'))).health?.test).toEqual(['NONE']);
  expect((await create('--no-healthcheck', '--health-cmd', 'x', 'box')).err).toContain(
    '--no-healthcheck conflicts with --health-* options',
  );
});

// shows: create --publish, run --publish, create --publish-all, run --publish-all, create --expose, run --expose, create --dns, run --dns, create --dns-search, run --dns-search, create --dns-option, run --dns-option, create --add-host, run --add-host, create --network, run --network, create --network-alias, run --network-alias, create --ip, run --ip, create --ip6, run --ip6, create --mac-address, run --mac-address
test('what it wants of networks', async () => {
  for (const words of ['--subnet 10.1.1.0/24 front', '--subnet 10.1.2.0/24 back'])
    expect((await rig.nerdctl(['network', 'create', ...words.split(' ')])).err).toBe('');
  const made = await rig.nerdctl([
    'create',
    '--network',
    'name=front,alias=a,ip=10.1.1.1',
    '--network',
    'back',
    '--network-alias',
    'b',
    '-p',
    '127.0.0.1:8080-8081:80-81/udp',
    '-P',
    '--expose',
    '90',
    '--dns',
    '1.1.1.1',
    '--dns-search',
    'x.y',
    '--dns-opt',
    'ndots:3',
    '--add-host',
    'h:host-gateway',
    '--mac-address',
    '02:42:ac:11:00:02',
    'box',
  ]);
  expect(made.err).toContain('conflicting options: cannot specify both --network-alias and per-network alias');
  const { out, err } = await rig.nerdctl([
    'create',
    '--network',
    'front',
    '--network',
    'name=back,ip6=fd00::1',
    '--network-alias',
    'b',
    '--ip',
    '10.1.1.1',
    '-p',
    '127.0.0.1:8080-8081:80-81/udp',
    '-P',
    '--expose',
    '90',
    '--dns',
    '1.1.1.1',
    '--dns-search',
    'x.y',
    '--dns-opt',
    'ndots:3',
    '--add-host',
    'h:host-gateway',
    '--mac-address',
    '02:42:ac:11:00:02',
    'box',
  ]);
  expect(err).toBe('');
  const { network, hostConfig, config } = await rig.settings(out.trim());
  expect(network).toMatchObject({
    mode: 'networks',
    target: '',
    attachments: [
      { network: 'front', aliases: ['b'], ip: '10.1.1.1', ip6: '', mac: '02:42:ac:11:00:02' },
      { network: 'back', aliases: [], ip: '', ip6: 'fd00::1', mac: '' },
    ],
    ports: [
      { hostIp: '127.0.0.1', hostPort: 8080, containerPort: 80, protocol: 'udp' },
      { hostIp: '127.0.0.1', hostPort: 8081, containerPort: 81, protocol: 'udp' },
      { hostIp: '', hostPort: 0, containerPort: 90, protocol: 'tcp' },
    ],
    dns: { servers: ['1.1.1.1'], search: ['x.y'], options: ['ndots:3'] },
    extraHosts: [{ name: 'h', address: 'host-gateway' }],
  });
  expect(hostConfig).toMatchObject({ NetworkMode: 'front', PublishAllPorts: true, Dns: ['1.1.1.1'] });
  expect(config.ExposedPorts).toEqual({ '90/tcp': {}, '80/udp': {}, '81/udp': {} });
});

// shows: create --pidfile, run --pidfile, create --volume-driver, run --volume-driver, create --disable-content-trust, run --disable-content-trust
test('the id of its process in a file, and what has one value only', async () => {
  const pidFile = join(rig.dataRoot, 'pid');
  await rig.running(
    ['--pidfile', pidFile, '--volume-driver', 'local', '-v', 'driven:/v', 'box', 'sleep', '1000'],
    async (id) => {
      const { pid } = await rig.client.tasks.state(rig.scope, id, '');
      expect(readFileSync(pidFile, 'utf8')).toBe(String(pid));
    },
  );
  expect((await create('--disable-content-trust', 'box')).code).toBe(0);
  expect((await create('--disable-content-trust=false', 'box')).err).toContain('there is no content trust here');
  expect((await create('--volume-driver', 'x', 'box')).err).toContain('error looking up volume plugin x');
});

test('of a range of ports the first that nobody has, nor is to have', async () => {
  await rig.nerdctl(['network', 'create', '--subnet', '10.1.3.0/24', 'ranged']);
  const [listener, port] = await listening();
  try {
    const range = `127.0.0.1:${port}-${port + 1}:80`;
    const first = await rig.nerdctl(['create', '--network', 'ranged', '-p', range, 'box']);
    expect((await rig.settings(first.out.trim())).network.ports[0]?.hostPort).toBe(port + 1);
    const second = await rig.nerdctl(['create', '--network', 'ranged', '-p', range, 'box']);
    expect(second.err).toBe(
      `Error response from daemon: Bind for 127.0.0.1:${port}-${port + 1} failed: all ports are allocated\n`,
    );
  } finally {
    listener.close();
  }
});

/** A port that is taken, and the next one free. */
async function listening(): Promise<readonly [Server, number]> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const next = createServer();
    const free = await new Promise((resolve) =>
      next.once('error', () => resolve(false)).listen(port + 1, '127.0.0.1', () => resolve(true)),
    );
    next.close();
    if (free) return [server, port];
    server.close();
  }
}
