import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { nerdctl } from '#cmd/nerdctl/program';
import { attach, type NetworkRig, startNetworkRig } from '#test/support/network-rig';
import { runProgramForTest } from '#test/support/run-program';

let rig: NetworkRig;
/** A part of 10.0.0.0/8 that the rig's own networks are not in. */
const part = `10.${240 + (process.pid % 10)}`;
const made: string[] = [];

beforeAll(async () => {
  rig = await startNetworkRig();
}, 300_000);
afterAll(async () => {
  for (const { id } of await rig.client.containers.list(rig.scope)) await rig.remove(id);
  for (const name of made) await run('network', 'rm', '-f', name);
  await rig[Symbol.asyncDispose]();
}, 300_000);

const run = (...argv: readonly string[]) =>
  runProgramForTest(nerdctl, [
    ...['-a', rig.daemon.address, '-n', rig.scope.namespace],
    ...['--data-root', rig.directory, '--cni-netconfpath', rig.netconfPath, ...argv],
  ]);
async function create(name: string, ...flags: readonly string[]): Promise<string> {
  made.push(name);
  const { code, out, err } = await run('network', 'create', ...flags, name);
  expect(err).toBe('');
  expect(code).toBe(0);
  return out.trim();
}
const inspect = async (name: string) => JSON.parse((await run('network', 'inspect', name)).out)[0];

// shows: network create, network create --subnet, network create --gateway, network create --ip-range, network create --aux-address
// shows: network create --opt, network create -o, network create --label, network create --attachable, network create --driver, network create -d
// shows: network create --ipam-driver, network create --ipv4, network inspect
test('a network is described as it was asked for, and containers get what is left', async () => {
  const id = await create(
    'asked',
    ...['--subnet', `${part}.1.0/24`, '--gateway', `${part}.1.9`, '--ip-range', `${part}.1.8/30`],
    ...['--aux-address', `mine=${part}.1.8`, '-o', 'mtu=1400', '--label', 'a=b', '--attachable', '-d', 'bridge'],
    ...['--ipam-driver', 'host-local', '--ipv4=true'],
  );
  expect(await inspect('asked')).toMatchObject({
    ...{ Id: id, Driver: 'bridge', Labels: { a: 'b' }, Options: { mtu: '1400' }, Attachable: true, Containers: {} },
    IPAM: {
      Driver: 'host-local',
      Config: [{ Subnet: `${part}.1.0/24`, Gateway: `${part}.1.9`, AuxiliaryAddresses: { mine: `${part}.1.8` } }],
    },
  });
  await rig.run('in', ['sleep', '100'], { attachments: [attach('asked')] });
  const [eth0] = (await rig.state('in')).interfaces;
  expect(eth0).toMatchObject({ ip: `${part}.1.10`, gateway: `${part}.1.9` });
  expect((await rig.exec('in', 'busybox', 'ip', '-o', 'link', 'show', 'eth0')).out).toContain('mtu 1400');
  expect((await inspect('asked')).Containers.in).toMatchObject({ Name: 'in', IPv4Address: `${part}.1.10/24` });
  // shows: network rm, network prune, network prune --force
  const refused = await run('network', 'rm', 'asked');
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('network asked has active endpoints (name:"in" id:"in")');
  expect((await run('network', 'prune', '-f')).out).not.toContain('asked');
  await rig.remove('in');
});

// shows: network create --internal, network create --ipv6
test('an internal network has no way out, and one with IPv6 has both kinds of addresses', async () => {
  await create('inner', '--internal');
  await create('both', '--ipv6', '--subnet', `${part}.2.0/24`);
  await rig.run('shut', ['sleep', '100'], { attachments: [attach('inner')] });
  expect((await rig.exec('shut', 'busybox', 'ip', 'route')).out).not.toContain('default');
  await rig.run('six', ['sleep', '100'], { attachments: [attach('both')] });
  const [eth0] = (await rig.state('six')).interfaces;
  expect(eth0?.ip).toStartWith(`${part}.2.`);
  expect(eth0?.ip6).toMatch(/^fd/);
  await rig.remove('shut');
  await rig.remove('six');
});

test('with icc=false containers of a network do not hear each other', async () => {
  await create('apart', '-o', 'icc=false', '--subnet', `${part}.3.0/24`);
  await rig.run('one', ['sleep', '100'], { attachments: [attach('apart')] });
  await rig.run('two', ['sleep', '100'], { attachments: [attach('apart')] });
  const { ip = '', gateway = '' } = (await rig.state('two')).interfaces[0] ?? {};
  expect((await rig.exec('one', 'busybox', 'ping', '-c1', '-W1', ip)).code).not.toBe(0);
  expect((await rig.exec('one', 'busybox', 'ping', '-c1', '-W2', gateway)).code).toBe(0);
  await rig.remove('one');
  await rig.remove('two');
});

// shows: network connect, network connect --alias, network connect --ip, network disconnect, network disconnect --force
test('a container is put into a network by a command, and taken out', async () => {
  await create('more', '--subnet', `${part}.4.0/24`);
  await rig.run('moving', ['sleep', '100']);
  const put = await run('network', 'connect', '--alias', 'other', '--ip', `${part}.4.77`, 'more', 'moving');
  expect(put).toMatchObject({ code: 0, out: '', err: '' });
  expect((await rig.state('moving')).interfaces[1]).toMatchObject({ ip: `${part}.4.77`, name: 'eth1' });
  expect((await run('network', 'connect', 'more', 'moving')).err).toContain('already exists in network more');
  expect((await run('network', 'connect', 'host', 'moving')).code).toBe(1);
  expect((await run('network', 'disconnect', 'more', 'moving')).code).toBe(0);
  expect((await run('network', 'disconnect', 'more', 'moving')).err).toContain('is not connected to network more');
  expect((await run('network', 'disconnect', '-f', 'bridge', 'moving')).code).toBe(0);
  await rig.remove('moving');
});

// shows: network connect --ip6, network connect --mac-address, network create --ipam-opt, network inspect --verbose, port
test('addresses of both kinds are chosen; an option that no ipam knows is refused; ports are told', async () => {
  await create('chosen', '--ipv6', '--subnet', `${part}.6.0/24`, '--subnet', 'fd00:be:6::/64');
  await rig.run('picky', ['sleep', '100'], {
    ports: [{ hostIp: '', hostPort: 0, containerPort: 80, protocol: 'tcp' }],
  });
  const wishes = ['--ip6', 'fd00:be:6::77', '--mac-address', '02:00:00:00:be:77'];
  expect((await run('network', 'connect', ...wishes, 'chosen', 'picky')).err).toBe('');
  expect((await rig.state('picky')).interfaces[1]).toMatchObject({ ip6: 'fd00:be:6::77', mac: '02:00:00:00:be:77' });
  const [port] = (await rig.state('picky')).ports;
  expect((await run('port', 'picky')).out).toContain(`80/tcp -> 0.0.0.0:${port?.hostPort}\n`);
  expect((await run('port', 'picky', '81')).err).toContain("No public port '81/tcp' published for picky");
  expect((await run('network', 'create', '--ipam-opt', 'a=b', 'no')).err).toContain('unsupported ipam option "a"');
  expect((await run('network', 'inspect', '--verbose', 'chosen')).out).toBe(
    (await run('network', 'inspect', 'chosen')).out,
  );
  for (const flag of ['--driver-opt', '--gw-priority', '--link', '--link-local-ip'])
    expect((await run('network', 'connect', flag, '1', 'chosen', 'picky')).code).toBe(125);
  await rig.remove('picky');
});

test("a container's own plugins of CNI are used, and the daemon's are not", async () => {
  const [own, notes] = [join(rig.directory, 'own-plugins'), join(rig.directory, 'own-notes')];
  mkdirSync(own);
  const script = (type: string) => `#!/bin/sh\necho ${type} $CNI_COMMAND >> ${notes}\nexec /usr/lib/cni/${type}\n`;
  for (const type of ['bridge', 'portmap', 'firewall', 'tuning', 'host-local'])
    writeFileSync(join(own, type), script(type), { mode: 0o755 });
  await rig.run('warm', ['sleep', '100']); // so that the daemon could do it by itself
  await rig.run('own', ['sleep', '100'], { cniPath: `${own}:/nowhere` });
  expect(readFileSync(notes, 'utf8')).toContain('bridge ADD\n');
  await rig.remove('own');
  // The daemon hears of the end, and then takes the network down.
  for (let n = 0; n < 100 && !readFileSync(notes, 'utf8').includes('bridge DEL'); n++) await wait(100);
  expect(readFileSync(notes, 'utf8')).toContain('bridge DEL\n');
  await expect(rig.run('none', ['sleep', '100'], { cniPath: '/nowhere' })).rejects.toThrow('bridge');
  await rig.remove('none');
  await rig.remove('warm');
});

// shows: network ls, network ls --filter, network ls -f, network ls --format, network ls --quiet, network ls -q, network ls --no-trunc
// shows: network inspect --format, network inspect --mode, network rm --force, network rm -f, network prune -f, network prune --filter
test('networks are listed, shown and removed, with their bridges', async () => {
  const id = await create(
    'gone',
    '--label',
    'x=y',
    '-o',
    'com.docker.network.bridge.name=zzgone0',
    '--subnet',
    `${part}.5.0/24`,
  );
  const listed = await run(
    'network',
    'ls',
    '-f',
    'name=^gone$',
    '--format',
    '{{.ID}} {{.Name}} {{.Driver}} {{.Labels}}',
  );
  expect(listed.out).toBe(`${id.slice(0, 12)} gone bridge x=y\n`);
  expect((await run('network', 'ls', '-q', '--no-trunc', '--filter', 'label=x=y')).out).toBe(`${id}\n`);
  expect((await run('network', 'ls')).out).toMatch(/^NETWORK ID\s+NAME\s+DRIVER\s+SCOPE\n/);
  expect((await run('network', 'inspect', '-f', '{{.Name}} {{.Scope}}', 'gone')).out).toBe('gone local\n');
  expect((await run('network', 'inspect', '--mode', 'native', 'gone')).out).toContain('"cniVersion": "1.0.0"');
  await rig.run('short', ['sleep', '100'], { attachments: [attach('gone')] });
  expect(existsSync('/sys/class/net/zzgone0')).toBe(true);
  await rig.remove('short');
  expect((await run('network', 'prune', '-f', '--filter', 'label=x=z')).out).toBe('');
  expect((await run('network', 'prune', '-f', '--filter', 'label=x=y')).out).toBe('Deleted Networks:\ngone\n\n');
  expect(existsSync('/sys/class/net/zzgone0')).toBe(false);
  expect(await run('network', 'rm', 'gone')).toMatchObject({
    code: 1,
    err: 'Error response from daemon: network gone not found\n',
  });
  expect((await run('network', 'rm', '-f', 'gone')).code).toBe(0);
  expect((await run('network', 'rm', 'bridge')).err).toContain('pre-defined network and cannot be removed');
});
