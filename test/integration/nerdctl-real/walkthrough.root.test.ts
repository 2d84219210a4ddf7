import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { nginxImage, page } from '#test/support/program-image';
import { lines, type RealRig, startRealRig } from './rig.ts';

let rig: RealRig;
beforeAll(async () => {
  rig = await startRealRig();
  await rig.load('nginx:alpine', nginxImage());
}, 300_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 300_000);

const words = (text: string) => text.split(' ');
const namespacesOf = (pid: string, ...kinds: readonly string[]) =>
  kinds.map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`));

test('the walk-through: a server from its start to its end, as people type it', async () => {
  const id = await rig.ok(...words('run -d -p 80:80 --name=nginx --restart=always nginx:alpine'));
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  expect(await rig.fetch('http://127.0.0.1/')).toBe(page);
  const [head, row = ''] = lines(await rig.ok('ps'));
  expect(head).toMatch(/^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$/);
  expect(row).toMatch(new RegExp(`^${id.slice(0, 12)} +nginx:alpine +".*" +.* ago +Up .* 0.0.0.0:80->80/tcp +nginx$`));
  expect(lines(await rig.ok('ps', '-a', '--last', '1', '--size'))[0]).toContain('SIZE');
  expect((await rig.ok('exec', 'nginx', '/bin/sh', '-c', 'echo in')).trim()).toBe('in');
  const [shown] = JSON.parse(await rig.ok('inspect', 'nginx'));
  const keys = 'Id Created Path Args State Image ResolvConfPath LogPath Name Driver Platform AppArmorProfile';
  for (const key of [...words(keys), 'NetworkSettings']) expect(shown).toHaveProperty(key);
  expect(await rig.ok('logs', '-n', '1', 'nginx')).toContain('GET / HTTP/1.1');
  expect((await rig.nerdctl('rm', 'nginx')).stderr).toContain('You cannot remove a running container');
  for (const line of [
    ...['pause nginx', 'unpause nginx', 'top nginx', 'stats --no-stream nginx', 'port nginx', 'diff nginx'],
    ...[
      'update -m 64m nginx',
      'stop nginx',
      'start nginx',
      'restart nginx',
      'commit nginx nginx:own',
      'info',
      'version',
    ],
    ...[
      'history nginx:own',
      'tag nginx:own nginx:two',
      'rmi nginx:two nginx:own',
      'images --all --digests',
      'rename nginx web',
    ],
    ...['system df', 'network ls', 'volume ls', 'namespace ls', 'kill web', 'rm -f web'],
  ])
    await rig.ok(...words(line));
  expect(await rig.left()).toEqual([]);
}, 300_000);

test('the walk-through: limits, processes and namespaces as the host sees them', async () => {
  const id = await rig.ok(...words('run -d -m 50m --name nginx nginx:alpine'));
  const group = `/sys/fs/cgroup/memory/${rig.namespace}/${id}`;
  expect(readFileSync(`${group}/memory.limit_in_bytes`, 'utf8')).toBe('52428800\n');
  const pid = await rig.ok('inspect', '-f', '{{.State.Pid}}', 'nginx');
  const processes = readFileSync(`${group}/cgroup.procs`, 'utf8');
  expect(lines(processes)).toContain(pid);
  expect(lines(readFileSync(`${group}/tasks`, 'utf8'))).toContain(pid);
  const own = namespacesOf(pid, 'mnt', 'uts', 'ipc', 'pid', 'net');
  for (const one of namespacesOf('self', 'mnt', 'uts', 'ipc', 'pid', 'net')) expect(own).not.toContain(one);
  await rig.ok(
    ...words('run -d --network container:nginx --pid host --entrypoint sleep --name beside nginx:alpine 1000'),
  );
  const beside = await rig.ok('inspect', '-f', '{{.State.Pid}}', 'beside');
  expect(namespacesOf(beside, 'net')).toEqual(namespacesOf(pid, 'net'));
  expect(namespacesOf(beside, 'pid')).toEqual(namespacesOf('self', 'pid'));
  await rig.ok('rm', '-f', 'beside', 'nginx');
  expect(existsSync(group)).toBe(false);
  expect(await rig.left()).toEqual([]);
}, 300_000);
