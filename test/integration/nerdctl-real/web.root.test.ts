import { afterAll, beforeAll, expect, test } from 'bun:test';
import { nginxImage, page } from '#test/support/program-image';
import { lines, type RealRig, startRealRig, talkingBusybox } from './rig.ts';

let rig: RealRig;
beforeAll(async () => {
  rig = await startRealRig();
  await rig.load('nginx:debian', nginxImage());
  await rig.load('busybox', talkingBusybox());
}, 300_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 300_000);

const hostAddress = '10.4.0.1';
const wget = ['busybox', 'wget', '-qO-'];
const listener = `use Socket; socket(S, 2, 2, 17); bind(S, sockaddr_in(53, INADDR_ANY)) or die;
while (my $from = recv(S, my $heard, 99, 0)) { send(S, "heard $heard", 0, $from) }`;

test('nginx answers on its published port: to the host, to neighbours, after its restart and after the daemon was killed', async () => {
  await rig.ok('run', '-d', '--name', 'web', '--restart=always', '-p', '8080:80', 'nginx:debian');
  const answers = async () => {
    expect(await rig.fetch('http://127.0.0.1:8080/')).toBe(page);
    expect(await rig.fetch(`http://${hostAddress}:8080/`)).toBe(page);
    const [ip = ''] = lines(await rig.ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'web'));
    expect(await rig.fetch(`http://${ip}/`)).toBe(page);
    const fetched = await rig.ok('run', '--rm', ...wget, `http://${hostAddress}:8080/`);
    expect(`${fetched}\n`).toBe(page);
  };
  await answers();
  expect(lines(await rig.ok('port', 'web'))).toContain('80/tcp -> 0.0.0.0:8080');
  await rig.ok('restart', 'web');
  await answers();
  await rig.daemon.restart('SIGKILL');
  await answers();
  expect(await rig.ok('logs', 'web')).toContain('GET / HTTP/1.1');
  await rig.ok('stop', 'web');
  expect((await rig.onHost('curl', '-s', '--max-time', '2', 'http://127.0.0.1:8080/')).code).toBe(7);
  await rig.ok('start', 'web');
  await answers();
  await rig.ok('rm', '-f', 'web');
  expect(await rig.left()).toEqual([]);
}, 300_000);

test('containers of a network of the user’s find each other by name, and those of the default one by hosts that are written', async () => {
  const network = `${rig.namespace}-net`;
  await rig.ok('network', 'create', '--subnet', '10.4.77.0/24', network);
  await rig.ok('run', '-d', '--name', 'site', '--network', network, '--network-alias', 'www', 'nginx:debian');
  for (const name of ['site', 'www']) {
    const got = await rig.ok('run', '--rm', '--network', network, ...wget, `http://${name}/`);
    expect(`${got}\n`).toBe(page);
  }
  await rig.daemon.restart('SIGKILL');
  const after = await rig.ok('run', '--rm', '--network', network, ...wget, 'http://site/');
  expect(`${after}\n`).toBe(page);
  await rig.ok('rename', 'site', 'place');
  const renamed = await rig.ok('run', '--rm', '--network', network, ...wget, 'http://place/');
  expect(`${renamed}\n`).toBe(page);
  await rig.ok('rm', '-f', 'place');
  await rig.ok('run', '-d', '--name', 'plain', 'nginx:debian');
  const ip = await rig.ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'plain');
  const byHosts = ['--rm', '--add-host', `plain:${ip}`, ...wget, 'http://plain/'];
  expect(`${await rig.ok('run', ...byHosts)}\n`).toBe(page);
  await rig.ok('rm', '-f', 'plain');
  await rig.ok('network', 'rm', network);
  expect(await rig.left()).toEqual([]);
}, 300_000);

test('a port is published with IPv6 where the network has it, and what `port` shows is what is forwarded', async () => {
  const network = `${rig.namespace}-six`;
  await rig.ok('network', 'create', '--ipv6', '--subnet', '10.4.78.0/24', '--subnet', 'fd00:be:78::/64', network);
  await rig.ok('run', '-d', '--name', 'six', '--network', network, '-p', '8086:80', 'nginx:debian');
  const six = lines(await rig.ok('port', 'six'));
  expect(six).toEqual(['80/tcp -> 0.0.0.0:8086', '80/tcp -> [::]:8086']);
  expect(await rig.fetch('http://127.0.0.1:8086/')).toBe(page);
  expect(await rig.fetch('http://[fd00:be:78::1]:8086/')).toBe(page);
  await rig.ok('run', '-d', '--name', 'four', '-p', '8084:80', 'nginx:debian');
  for (const [address] of (await rig.ok('port', 'four', '80')).matchAll(/\S+/g)) {
    const at = address.replace('0.0.0.0', '127.0.0.1').replace('[::]', '[::1]');
    expect(await rig.fetch(`http://${at}/`)).toBe(page);
  }
  await rig.ok('rm', '-f', 'six', 'four');
  await rig.ok('network', 'rm', network);
  expect(await rig.left()).toEqual([]);
}, 300_000);

test('a udp port is published, 53 too, and taken by one only', async () => {
  const roots = ['/usr', '/lib', '/lib64'].flatMap((path) => ['-v', `${path}:${path}:ro`]);
  await rig.ok('run', '-d', '--name', 'dns', '-p', '53:53/udp', ...roots, 'busybox', '/usr/bin/perl', '-e', listener);
  expect(await rig.ok('port', 'dns', '53/udp')).toBe('0.0.0.0:53');
  for (const address of [hostAddress, '127.0.0.1']) {
    const script = `exec 3<>/dev/udp/${address}/53; for i in 1 2 3 4 5; do echo hello >&3; timeout 1 head -n1 <&3 && break; done`;
    expect((await rig.onHost('bash', '-c', script)).stdout).toBe('heard hello\n');
  }
  const taken = await rig.nerdctl('run', '-d', '--name', 'late', '-p', '53:53/udp', 'busybox', 'sleep', '9');
  expect(taken.code).toBe(125);
  expect(lines(taken.stderr)).toHaveLength(1);
  await rig.ok('rm', '-f', 'dns', 'late');
  expect(await rig.left()).toEqual([]);
}, 300_000);
