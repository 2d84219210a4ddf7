import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { packSettings, settingsKey } from '#core/engine/container-settings';
import { attach, type NetworkRig, startNetworkRig } from '#test/support/network-rig';

let rig: NetworkRig;

beforeAll(async () => {
  rig = await startNetworkRig();
});
afterAll(async () => rig[Symbol.asyncDispose]());
afterEach(async () => {
  for (const { id } of await rig.client.containers.list(rig.scope)) await rig.remove(id);
  await eventually(rig.traces, (left) => left.length === 0);
});

const sleeper = ['sleep', '1000'];
const page = (text: string) => ['sh', '-c', `mkdir -p /w && echo ${text} > /w/index.html && exec httpd -f -p 80 -h /w`];
const fetchPage = (url: string) =>
  execFileSync('curl', [
    '-s',
    '--max-time',
    '2',
    '--retry',
    '3',
    '--retry-connrefused',
    '--retry-delay',
    '0',
    url,
  ]).toString();
const tcp = (hostPort: number, hostIp = '', containerPort = 80) =>
  ({ hostIp, hostPort, containerPort, protocol: 'tcp' }) as const;

/** What comes back for a datagram to this machine's own port, within a while. */
async function datagram(port: number, text: string): Promise<string> {
  const socket = createSocket('udp4');
  try {
    const answered = once(socket, 'message', { signal: AbortSignal.timeout(200) });
    socket.send(text, port, '127.0.0.1');
    return String((await answered)[0]);
  } catch {
    return '';
  } finally {
    socket.close();
  }
}

/** Sends back what it gets by udp, in that network namespace. */
function echoServer(netns: string, port: number): Disposable {
  const code = `const s = require('dgram').createSocket('udp4'); s.on('message', (m, r) => s.send(m, r.port, r.address)); s.bind(${port});`;
  const child = spawn('nsenter', [`--net=${netns}`, process.execPath, '-e', code], { stdio: 'ignore' });
  return { [Symbol.dispose]: () => void child.kill() };
}

/** Why it was refused. (A runner that waits for a rejection itself lets no connection get on.) */
async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'it was not refused';
  } catch (thrown) {
    return String(thrown);
  }
}

/** Waits until something holds. @throws with what it was last */
async function eventually<T>(look: () => T | Promise<T>, good: (found: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const found = await look();
    if (good(found)) return found;
    if (tries > 300) throw new Error(`still ${JSON.stringify(found)}`);
    await wait(20);
  }
}

test('a page is fetched from the host by its port, its address, localhost, and from another container by name', async () => {
  await rig.run('web', page('hello'), { ports: [tcp(0)] }, { name: 'My-Web' });
  const { interfaces, ports, netns } = await rig.state('web');
  const [eth0] = interfaces;
  expect(eth0).toMatchObject({ name: 'eth0', network: 'bridge', prefix: 24, gateway: `${rig.prefix}.1`, ip6: '' });
  expect(eth0?.mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
  expect(netns).toStartWith(rig.daemon.state);
  const [{ hostPort } = { hostPort: 0 }] = ports;
  expect(hostPort).toBeGreaterThanOrEqual(49_153);
  for (const host of [eth0?.ip, `127.0.0.1:${hostPort}`, `localhost:${hostPort}`, `${rig.prefix}.1:${hostPort}`])
    expect(fetchPage(`http://${host}/`)).toBe('hello\n');
  await rig.run('peer', sleeper);
  for (const name of ['my-web', 'MY-WEB', 'web', 'my-web.bridge', eth0?.ip, `${rig.prefix}.1:${hostPort}`])
    expect((await rig.exec('peer', 'busybox', 'wget', '-q', '-O', '-', `http://${name}/`)).out).toBe('hello\n');
  // From itself by its published port.
  const own = await rig.exec('web', 'busybox', 'wget', '-q', '-O', '-', `http://${rig.prefix}.1:${hostPort}/`);
  expect(own.out).toBe('hello\n');
});

test('names are answered for in all their forms, others are not known, and hosts files agree', async () => {
  rig.addNetwork('side');
  await rig.run('a1', sleeper, { attachments: [attach('bridge', ['db']), attach('side', ['only-side'])] });
  await rig.run('a2', sleeper, { attachments: [attach('bridge', ['db'])] });
  await rig.run('b', sleeper, { dns: { servers: [], search: ['example.org'], options: [] } });
  const [one, side] = (await rig.state('a1')).interfaces;
  const [two] = (await rig.state('a2')).interfaces;
  expect(side?.name).toBe('eth1');
  const lookup = async (...args: string[]) => (await rig.exec('b', 'busybox', 'nslookup', ...args)).out;
  const resolv = (await rig.exec('b', 'cat', '/etc/resolv.conf')).out;
  expect(resolv).toBe(`search example.org\nnameserver ${rig.prefix}.1\noptions ndots:0\n`);
  const both = await lookup('db.');
  expect(both).toContain(`Address: ${one?.ip}`);
  expect(both).toContain(`Address: ${two?.ip}`);
  expect(await lookup('a1.bridge.')).toContain(`Address: ${one?.ip}`);
  expect(await lookup('only-side.')).not.toContain(side?.ip ?? '');
  expect(await lookup('-type=ptr', `${one?.ip.split('.').reverse().join('.')}.in-addr.arpa.`)).toContain(
    'name = a1.bridge',
  );
  expect(await lookup('-type=aaaa', 'a1.')).not.toContain('NXDOMAIN');
  const hosts = await eventually(
    async () => (await rig.exec('b', 'cat', '/etc/hosts')).out,
    (text) => text.includes('a2'),
  );
  expect(hosts).toContain(`${one?.ip}\ta1 db\n`);
  expect(hosts).not.toContain(side?.ip ?? '-');
  await rig.end('a2');
  await eventually(
    () => lookup('db.'),
    (text) => !text.includes(two?.ip ?? '-'),
  );
  await eventually(
    async () => (await rig.exec('b', 'cat', '/etc/hosts')).out,
    (text) => !text.includes('a2'),
  );
});

test('a network is plugged in and out of a running container, and a stopped one finds it at its next start', async () => {
  rig.addNetwork('later');
  await rig.run('hot', sleeper);
  await rig.run('there', sleeper, { attachments: [attach('later')] });
  const { client, scope } = rig;
  await client.networks.connect(scope, 'hot', attach('later', ['warm']));
  expect(await refusal(client.networks.connect(scope, 'hot', attach('later')))).toContain(
    'already exists in network later',
  );
  expect(await refusal(client.networks.connect(scope, 'hot', attach('nowhere')))).toContain(
    'network nowhere not found',
  );
  const later = (await rig.state('hot')).interfaces[1];
  expect(later).toMatchObject({ name: 'eth1', network: 'later' });
  expect((await rig.exec('there', 'busybox', 'ping', '-c1', '-W2', 'warm')).code).toBe(0);
  expect((await client.networks.state(scope, 'hot'))[0]?.interfaces).toHaveLength(2);
  await client.networks.disconnect(scope, 'hot', 'bridge');
  expect((await rig.exec('hot', 'busybox', 'ip', '-o', 'link')).out).not.toContain('eth0');
  await client.networks.disconnect(scope, 'hot', 'later');
  expect(await refusal(client.networks.disconnect(scope, 'hot', 'later'))).toContain('not connected to network later');
  expect((await rig.state('hot')).interfaces).toEqual([]);
});

test('a container that gets another name is found by it, and not by the old one', async () => {
  await rig.run('old', sleeper);
  await rig.run('seeker', sleeper);
  const { client, scope } = rig;
  const container = await client.containers.get(scope, 'old');
  const settings = rig.settings('old', {}, { name: 'renamed', hostname: 'h' });
  const extensions = { ...container.extensions, [settingsKey]: packSettings(settings) };
  await client.containers.update(scope, { ...container, extensions }, [`extensions.${settingsKey}`]);
  const { ip = '-' } = (await rig.state('old')).interfaces[0] ?? {};
  const lookup = async (name: string) => (await rig.exec('seeker', 'busybox', 'nslookup', name)).out;
  await eventually(
    () => lookup('renamed.'),
    (text) => text.includes(`Address: ${ip}`),
  );
  await eventually(
    async () => (await rig.exec('seeker', 'cat', '/etc/hosts')).out,
    (text) => text.includes(`${ip}\th renamed old\n`),
  );
});

test('what a plugin says is the answer, and nothing is left', async () => {
  rig.addNetwork('broken', (plugins) => [...plugins, { type: 'no-such-plugin' }]);
  const said = await refusal(rig.run('never', sleeper, { ports: [tcp(0)], attachments: [attach('broken')] }));
  expect(said).toMatch(/failed to set up container networking: .*failed to find plugin "no-such-plugin"/);
  expect(await rig.client.tasks.list(rig.scope)).toEqual([]);
  expect(rig.traces()).toEqual([]);
});

test('without networks of its own a container has the files all the same', async () => {
  const extraHosts = [{ name: 'there', address: '192.0.2.7' }];
  await rig.run('alone', sleeper, { mode: 'none', attachments: [], extraHosts });
  expect((await rig.exec('alone', 'cat', '/etc/hosts')).out).toContain('192.0.2.7\tthere\n');
  expect((await rig.exec('alone', 'busybox', 'ip', '-o', 'link')).out).toMatch(/^1: lo: <LOOPBACK,UP[^\n]*\n$/);
  expect(await rig.state('alone')).toEqual({ mode: 'none', netns: '', interfaces: [], ports: [] });
});

test('ports that others have are refused before anything is made, and udp gets through', async () => {
  const listener = createServer();
  listener.listen(0, '0.0.0.0');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const taken = (to: number) => `Bind for 0.0.0.0:${to} failed: port is already allocated`;
  try {
    expect(await refusal(rig.run('late', sleeper, { ports: [tcp(port)] }))).toContain(
      `driver failed programming external connectivity on endpoint late (late): ${taken(port)}`,
    );
  } finally {
    listener.close();
  }
  expect(await rig.client.tasks.list(rig.scope)).toEqual([]);
  await rig.run('echo', sleeper, {
    ports: [{ hostIp: '127.0.0.1', hostPort: 0, containerPort: 7, protocol: 'udp' }, tcp(0)],
  });
  const { netns, ports } = await rig.state('echo');
  const [udp, other] = ports;
  using _ = echoServer(netns, 7);
  await rig.run('second', sleeper, { ports: [{ ...tcp(udp?.hostPort ?? 0), protocol: 'tcp' }] });
  expect(await refusal(rig.run('third', sleeper, { ports: [tcp(other?.hostPort ?? 0, '127.0.0.1')] }))).toContain(
    'port is already allocated',
  );
  const said = await eventually(
    () => datagram(udp?.hostPort ?? 0, 'hi'),
    (text) => text !== '',
  );
  expect(said).toBe('hi');
});

test('a container in the network of another has its hosts and addresses; one that does not run is refused', async () => {
  await rig.run('main', page('shared'));
  await rig.run('joined', sleeper, { mode: 'container', target: 'main', attachments: [] });
  expect((await rig.exec('joined', 'busybox', 'wget', '-q', '-O', '-', 'http://127.0.0.1/')).out).toBe('shared\n');
  expect((await rig.exec('joined', 'cat', '/etc/hosts')).out).toBe((await rig.exec('main', 'cat', '/etc/hosts')).out);
  await rig.end('main');
  expect(await refusal(rig.run('none', sleeper, { mode: 'container', target: 'main', attachments: [] }))).toContain(
    'cannot join network of a non running container: main',
  );
  expect(await refusal(rig.run('gone', sleeper, { mode: 'container', target: 'nobody', attachments: [] }))).toContain(
    'No such container: nobody',
  );
});

test('after a kill of the daemon everything is served again, and ports are still held', async () => {
  await rig.run('web', page('again'), { ports: [tcp(0)] });
  await rig.run('doomed', sleeper, { ports: [tcp(0)] });
  const [{ hostPort } = { hostPort: 0 }] = (await rig.state('web')).ports;
  const doomed = Number(
    readFileSync(
      join(rig.daemon.state, 'io.containerd.runtime.v2.task', rig.scope.namespace, 'doomed/init.pid'),
      'utf8',
    ),
  );
  await rig.daemon.kill('SIGKILL');
  process.kill(doomed, 'SIGKILL');
  await rig.daemon.start();
  expect(fetchPage(`http://127.0.0.1:${hostPort}/`)).toBe('again\n');
  await rig.run('peer', sleeper);
  expect((await rig.exec('peer', 'busybox', 'wget', '-q', '-O', '-', 'http://web/')).out).toBe('again\n');
  expect(await refusal(rig.run('other', sleeper, { ports: [tcp(hostPort)] }))).toContain('port is already allocated');
  await eventually(
    () => rig.state('doomed'),
    ({ netns }) => netns === '',
  );
});

test('a daemon that is stopped right behind the end of a container leaves nothing of it', async () => {
  await rig.run('last', sleeper, { ports: [tcp(0)] });
  await rig.end('last');
  await rig.daemon.kill();
  const left = rig.traces();
  await rig.daemon.start();
  expect(left).toEqual([]);
});

test('a daemon that is killed while plugins run leaves nothing after its next start', async () => {
  const slow = join(rig.directory, 'slow');
  rig.addNetwork('slow', (plugins) => [...plugins, { type: 'sluggish' }]);
  rig.slowPlugin('sluggish', slow);
  const running = rig
    .run('half', sleeper, { ports: [tcp(0)], attachments: [attach('slow')] })
    .catch((thrown: unknown) => thrown);
  await eventually(
    () => rig.stepsOf(slow),
    (steps) => steps.includes('ADD'),
  );
  await rig.daemon.kill('SIGKILL');
  await running;
  await rig.daemon.start();
  await eventually(
    () => rig.client.tasks.list(rig.scope),
    (tasks) => tasks.length === 0,
  );
});

test('many start at once, each on a port', async () => {
  const ids = Array.from({ length: 20 }, (_, at) => `m${at}`);
  await Promise.all(ids.map((id) => rig.run(id, page(id), { ports: [tcp(0)] })));
  const states = await Promise.all(ids.map((id) => rig.state(id)));
  expect(new Set(states.map(({ interfaces }) => interfaces[0]?.ip)).size).toBe(ids.length);
  for (const [at, { ports }] of states.entries())
    expect(fetchPage(`http://127.0.0.1:${ports[0]?.hostPort}/`)).toBe(`m${at}\n`);
}, 300_000);
