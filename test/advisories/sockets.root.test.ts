import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startDaemon } from '#test/support/daemon';
import { type Bed, imageOf, pulled, residentMb, running, startBed } from './bed.ts';

setDefaultTimeout(120_000);
let on: Bed;
beforeAll(async () => {
  on = await startBed();
}, 120_000);
afterAll(() => on[Symbol.asyncDispose](), 120_000);

/** Runs something as nobody; what it printed. */
function asNobody(...command: readonly string[]): { readonly code: number | null; readonly out: string } {
  const as = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const { status, stdout, stderr } = spawnSync('setpriv', [...as, ...command], { encoding: 'utf8', cwd: '/' });
  return { code: status, out: `${stdout}${stderr}` };
}

/** Connects, sends some bytes and tells what came back: `no` when it could not even connect. */
const talk = (path: string) =>
  asNobody(
    'perl',
    '-MSocket',
    '-e',
    'socket(S,AF_UNIX,SOCK_STREAM,0); connect(S,sockaddr_un($ARGV[0])) or print("no"),exit; syswrite(S,"\\0"x64); alarm 5; $n=sysread(S,$b,100); print "got ", defined $n ? $n : "error";',
    path,
  ).out;

test("CVE-2020-15257: a shim's and the daemon's sockets are files that nobody else may open, and a shim asks who it is", async () => {
  const image = await pulled(on, 'sockets', imageOf({}));
  await running(on, image, { id: 'sockets', args: ['/bin/sleep', '1000'] }, async () => {
    const bundle = join(on.daemon.state, 'io.containerd.runtime.v2.task', on.scope.namespace, 'sockets');
    const address = (JSON.parse(readFileSync(join(bundle, 'bootstrap.json'), 'utf8')) as { readonly address: string })
      .address;
    expect(address).toStartWith('unix:///');
    const socket = address.slice('unix://'.length);
    // Abstract sockets have names that begin with @, and those of a shim were called after it.
    expect(readFileSync('/proc/net/unix', 'utf8')).not.toMatch(/@.*(containerd|shim|berth)/);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(socket)).mode & 0o077).toBe(0);
    for (const path of [socket, on.daemon.address, `${on.daemon.address}.ttrpc`]) expect(talk(path)).toBe('no');
    // Even where the file's rights do not help.
    const [before, above] = [statSync(socket).mode & 0o777, statSync(dirname(socket)).mode & 0o777];
    try {
      chmodSync(dirname(socket), 0o711);
      chmodSync(socket, 0o666);
      expect(talk(socket)).toMatch(/^(no|got 0|got error)$/);
    } finally {
      chmodSync(socket, before);
      chmodSync(dirname(socket), above);
    }
    await on.client.tasks.kill(on.scope, 'sockets', { execId: '', signal: 9, all: false });
  });
});

const inSight = (directory: string): readonly string[] =>
  readdirSync(directory).filter((name) => asNobody('ls', join(directory, name)).code === 0);

test("CVE-2021-41103: bundles, roots of containers and plugins' directories are not to be listed or entered by others", async () => {
  const image = await pulled(on, 'modes', imageOf({}));
  // The test's own directory is private already; what is inside has to be by itself.
  chmodSync(on.daemon.directory, 0o755);
  await running(on, image, { id: 'modes', args: ['/bin/sleep', '1000'] }, async () => {
    const tasks = join(on.daemon.state, 'io.containerd.runtime.v2.task');
    const bundle = join(tasks, on.scope.namespace, 'modes');
    expect(existsSync(join(bundle, 'config.json'))).toBe(true);
    for (const path of [on.daemon.root, on.daemon.state, tasks, dirname(bundle), bundle, join(bundle, 'rootfs')])
      expect([path, asNobody('ls', path).code]).not.toEqual([path, 0]);
    for (const file of ['config.json', 'rootfs/etc', 'rootfs/bin/busybox', 'init.pid', 'log'])
      expect([file, asNobody('stat', join(bundle, file)).code]).not.toEqual([file, 0]);
    expect(inSight(on.daemon.root)).toEqual([]);
    await on.client.tasks.kill(on.scope, 'modes', { execId: '', signal: 9, all: false });
  });
});

test('CVE-2024-25621: directories that an older daemon left open to others are closed at the start', async () => {
  await using daemon = await startDaemon({ built: true });
  await daemon.kill();
  const open = [daemon.root, daemon.state];
  for (const parent of [daemon.root, daemon.state])
    for (const name of readdirSync(parent))
      if (statSync(join(parent, name)).isDirectory()) open.push(join(parent, name));
  const older = join(daemon.root, 'io.containerd.content.v1.content');
  mkdirSync(older, { recursive: true });
  for (const path of open) chmodSync(path, 0o755);
  await daemon.start();
  chmodSync(daemon.directory, 0o755);
  expect(open.filter((path) => existsSync(path) && (statSync(path).mode & 0o044) !== 0)).toEqual([]);
  expect(asNobody('ls', daemon.root).code).not.toBe(0);
});

const wholeRequest = (path: string) => ({
  ':method': 'POST',
  ':path': path,
  ':scheme': 'http',
  ':authority': 'localhost',
  'content-type': 'application/grpc',
  te: 'trailers',
  'containerd-namespace': on.scope.namespace,
});

test('CVE-2023-44487, CVE-2023-39325: streams that are opened and reset by the thousand hold up nobody and leave nothing', async () => {
  const { client, daemon, scope } = on;
  await client.version(scope.signal);
  const before = residentMb(daemon.pid);
  const descriptors = () => readdirSync(`/proc/${daemon.pid}/fd`).length;
  const had = descriptors();
  const paths = ['/containerd.services.events.v1.Events/Subscribe', '/containerd.services.content.v1.Content/List'];
  let slowest = 0;
  for (let connection = 0; connection < 4; connection++) {
    const session = connectHttp2('http://localhost', { createConnection: () => connect(daemon.address) });
    session.on('error', () => {}); // being cut off is one of the answers that will do
    for (let i = 0; i < 5_000 && !session.destroyed; i++) {
      const stream = session.request(wholeRequest(paths[i % paths.length] ?? ''));
      stream.on('error', () => {});
      stream.write(Buffer.from([0, 0, 0, 0, 0]));
      stream.close(constants.NGHTTP2_CANCEL);
      if (i % 500 !== 0) continue;
      const begin = performance.now();
      await client.version(scope.signal);
      slowest = Math.max(slowest, performance.now() - begin);
    }
    session.destroy();
  }
  expect(slowest).toBeLessThan(30_000);
  for (let waited = 0; waited < 60_000 && descriptors() > had + 2; waited += 100) await wait(100);
  expect(descriptors()).toBeLessThanOrEqual(had + 2);
  expect(residentMb(daemon.pid) - before).toBeLessThan(200);
});
