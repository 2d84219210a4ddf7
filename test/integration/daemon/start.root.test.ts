import { expect, test } from 'bun:test';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { run, startDaemon, TestDaemon } from '#test/support/daemon';
import { listenForNotifications } from '#test/support/notify-socket';

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

test("Debian's ctr talks to it: version, plugins, events", async () => {
  await using daemon = await startDaemon();
  const version = await daemon.ctr('version');
  expect(version.code).toBe(0);
  expect(version.stdout).toMatch(
    /Server:\n {2}Version: {2}2\.3\.\d+\+berth-.*\n {2}Revision: .+\n {2}UUID: [0-9a-f-]{36}/,
  );
  const plugins = await daemon.ctr('plugins', 'ls');
  expect(plugins.stdout).toMatch(/^io\.containerd\.event\.v1 +exchange +- +ok *$/m);
  expect(plugins.stdout).toMatch(/^io\.containerd\.server\.v1 +debug +- +skip *$/m);
  const detailed = await daemon.ctr('plugins', 'ls', '-d', 'id==debug');
  expect(detailed.stdout).toContain('no address is configured: skip plugin\n');
});

test('its directories and sockets are closed to others', async () => {
  await using daemon = await startDaemon();
  expect([mode(daemon.root), mode(daemon.state), mode(daemon.address), mode(`${daemon.address}.ttrpc`)]).toEqual([
    '700',
    '711',
    '660',
    '660',
  ]);
});

test('the sockets belong to the configured owner', async () => {
  await using daemon = await startDaemon({ config: '[grpc]\nuid = 12\ngid = 34\n[ttrpc]\nuid = 56\ngid = 78\n' });
  const grpc = statSync(daemon.address);
  const ttrpc = statSync(`${daemon.address}.ttrpc`);
  expect([grpc.uid, grpc.gid, ttrpc.uid, ttrpc.gid]).toEqual([12, 34, 56, 78]);
  expect(mode(daemon.address)).toBe('660');
});

test('the identity of an installation survives restarts', async () => {
  await using daemon = await startDaemon();
  const uuid = async () => /UUID: (\S+)/.exec((await daemon.ctr('version')).stdout)?.[1];
  const first = await uuid();
  await daemon.restart();
  expect(await uuid()).toBe(first as string);
  await daemon.restart('SIGKILL');
  expect(await uuid()).toBe(first as string);
});

test('a second daemon on the same directories refuses and names the first', async () => {
  await using daemon = await startDaemon();
  const other = join(daemon.directory, 'other.sock');
  const main = join(import.meta.dirname, '../../../src/main.ts');
  const second = await run(process.execPath, [main, 'containerd', '-c', daemon.configPath, '-a', other]);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(
    `${daemon.root} is in use by another daemon (pid ${daemon.pid}): failed precondition`,
  );
  const third = await run(process.execPath, [
    main,
    'containerd',
    '-c',
    daemon.configPath,
    '-a',
    other,
    '--root',
    join(daemon.directory, 'root2'),
  ]);
  expect(third.code).toBe(1);
  expect(third.stderr).toContain(`${daemon.state} is in use by another daemon (pid ${daemon.pid})`);
  expect(existsSync(other)).toBe(false);
  expect((await daemon.ctr('version')).code).toBe(0);
});

test('a socket that somebody serves is left alone, a dead one is replaced', async () => {
  await using daemon = new TestDaemon({});
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(daemon.address, resolve));
  await expect(daemon.start()).rejects.toThrow(
    /required plugin io\.containerd\.server\.v1\.grpc: listen on .*: another server answers there/,
  );
  await new Promise((resolve) => server.close(resolve));
  await daemon.start();
  await daemon.restart('SIGKILL'); // which leaves the socket behind
  expect((await daemon.ctr('version')).code).toBe(0);
});

test('a file that is no socket is not removed', async () => {
  await using daemon = new TestDaemon({});
  writeFileSync(daemon.address, 'precious');
  await expect(daemon.start()).rejects.toThrow('required plugin io.containerd.server.v1.grpc');
  expect(readFileSync(daemon.address, 'utf8')).toBe('precious');
});

test('the service manager hears when it is ready and when it stops', async () => {
  await using daemon = new TestDaemon({});
  const path = join(daemon.directory, 'notify.sock');
  await using manager = await listenForNotifications(path);
  await using notified = await startDaemon({ env: { NOTIFY_SOCKET: path } });
  for (let i = 0; manager.messages.length === 0 && i < 6_000; i++) await Bun.sleep(10);
  expect(manager.messages).toEqual(['READY=1']);
  expect(await notified.kill()).toEqual({ code: 0, signal: null });
  expect(manager.messages).toEqual(['READY=1', 'STOPPING=1']);
});

test('a service manager that does not listen is no reason to fail', async () => {
  await using daemon = await startDaemon({ env: { NOTIFY_SOCKET: '/nonexistent/notify' } });
  for (let i = 0; !daemon.log.includes('cannot notify') && i < 6_000; i++) await Bun.sleep(10);
  expect(daemon.log).toContain('cannot notify the service manager');
});

test('SIGUSR1 writes the states of plugins and what is pending into the log', async () => {
  await using daemon = await startDaemon();
  const events = Bun.spawn(['/usr/bin/ctr', '-a', daemon.address, 'events'], { stdout: 'ignore' });
  for (let i = 0; i < 600 && !daemon.log.includes('pending operation'); i++) {
    process.kill(daemon.pid, 'SIGUSR1');
    await Bun.sleep(100);
  }
  events.kill();
  await events.exited;
  expect(daemon.log).toMatch(/msg="state of plugin" plugin=io\.containerd\.event\.v1\.exchange startMs=\S+ status=ok/);
  expect(daemon.log).toMatch(
    /msg="pending operation" kind=call seconds=\S+ subject="?containerd\.services\.events\.v1\.Events\/Subscribe/,
  );
  expect((await daemon.ctr('version')).code).toBe(0);
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s stops it cleanly, also while a client waits for events, and the sockets go',
  async (signal) => {
    await using daemon = await startDaemon();
    const events = Bun.spawn(['/usr/bin/ctr', '-a', daemon.address, 'events'], { stdout: 'ignore', stderr: 'ignore' });
    await Bun.sleep(100);
    const began = Date.now();
    expect(await daemon.kill(signal)).toEqual({ code: 0, signal: null });
    expect(Date.now() - began).toBeLessThan(30_000);
    await events.exited;
    expect(existsSync(daemon.address)).toBe(false);
    expect(existsSync(`${daemon.address}.ttrpc`)).toBe(false);
  },
);

test('SIGPIPE does not end it', async () => {
  await using daemon = await startDaemon();
  process.kill(daemon.pid, 'SIGPIPE');
  await Bun.sleep(50);
  expect((await daemon.ctr('version')).code).toBe(0);
});

test('oom_score, temp and the control group take effect', async () => {
  const group = `berth-test-${process.pid}`;
  await using daemon = await startDaemon({
    topConfig: `oom_score = 321\ntemp = '/tmp/berth-temp-${process.pid}/inner'`,
    config: `[cgroup]\npath = '/${group}'`,
  });
  expect(readFileSync(`/proc/${daemon.pid}/oom_score_adj`, 'utf8').trim()).toBe('321');
  expect(readFileSync(`/proc/${daemon.pid}/cgroup`, 'utf8')).toMatch(new RegExp(`^\\d+:(memory)?.*:/${group}$`, 'm'));
  expect(mode(`/tmp/berth-temp-${process.pid}/inner`)).toBe('711');
  await daemon.kill();
  Bun.spawnSync([
    'sh',
    '-c',
    `find /sys/fs/cgroup -depth -type d -name ${group} -exec rmdir {} + ; rm -r /tmp/berth-temp-${process.pid}`,
  ]);
});
