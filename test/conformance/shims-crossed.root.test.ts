import { expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fifoIo } from '#client/task-io';
import { faultOf } from '#core/subject';
import { shimOf, startBusyboxDaemon, watchExits } from '#test/support/busybox-daemon';
import { execIn, removeContainer, runContainer } from '#test/support/containers';
import { run } from '#test/support/daemon';

const top = new URL('../..', import.meta.url).pathname;
const debianShim = '/usr/bin/containerd-shim-runc-v2';

test("Debian's shim under our daemon: output, exec, a restart, exit code, deletion", async () => {
  await using on = await startBusyboxDaemon();
  const { client, scope, daemon, top: image } = on;
  let said = '';
  const hear = async (bytes: Uint8Array): Promise<void> => {
    said += Buffer.from(bytes).toString();
  };
  // Debian's shim wants either both or neither.
  await using io = await fifoIo(
    'one',
    { stdout: hear, stderr: hear },
    { terminal: false, fifoDir: join(daemon.directory, 'fifo') },
  );
  const args = ['/bin/sh', '-c', 'echo hello; while [ ! -e /tmp/go ]; do usleep 20000; done; exit 9'];
  await runContainer(client, scope, 'one', { top: image, args, io, runtime: debianShim });
  expect(readlinkSync(`/proc/${shimOf(daemon, 'one')}/exe`)).toBe(debianShim);
  await daemon.restart('SIGKILL');
  await using exits = watchExits(client);
  await client.tasks.state(scope, 'one', ''); // the subscription stands, and the task was taken back
  await execIn(client, scope, 'one', 'touch', ['/bin/sh', '-c', '> /tmp/go; exit 4']);
  expect((await client.tasks.wait(scope, 'one', 'touch')).exitStatus).toBe(4);
  await client.tasks.deleteProcess(scope, 'one', 'touch');
  expect((await client.tasks.wait(scope, 'one', '')).exitStatus).toBe(9);
  await io.drained;
  expect(said).toBe('hello\n');
  for (let waited = 0; exits.seen.length < 2 && waited < 60_000; waited += 20) await wait(20);
  expect(exits.seen).toEqual(['one/touch', 'one']);
  expect((await client.tasks.delete(scope, 'one')).exitStatus).toBe(9);
  await removeContainer(client, scope, 'one');
  expect(await faultOf(client.tasks.state(scope, 'one', ''))).toBe('not_found');
}, 120_000);

test("our shim under Debian's containerd, by Debian's ctr", async () => {
  await using stack = new AsyncDisposableStack();
  const dir = mkdtempSync(join(tmpdir(), 'berth-crossed-'));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  const rootfs = join(dir, 'rootfs');
  for (const name of ['bin', 'proc', 'sys', 'dev', 'run', 'tmp']) mkdirSync(join(rootfs, name), { recursive: true });
  copyFileSync('/bin/busybox', join(rootfs, 'bin/busybox'));
  for (const name of ['sh', 'sleep', 'cat', 'ls']) symlinkSync('busybox', join(rootfs, 'bin', name));
  const address = join(dir, 'c.sock');
  writeFileSync(join(dir, 'config.toml'), 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
  const places = ['--root', join(dir, 'root'), '--state', join(dir, 'state'), '--address', address];
  const containerd = spawn('/usr/bin/containerd', ['-c', join(dir, 'config.toml'), ...places], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${join(top, 'dist/bin')}:${process.env.PATH}` },
  });
  stack.defer(async () => {
    containerd.kill();
    if (containerd.exitCode === null) await once(containerd, 'exit');
  });
  for (let waited = 0; !existsSync(address) && waited < 60_000; waited += 50) await wait(50);
  const ctr = (...args: readonly string[]) => run('/usr/bin/ctr', ['-a', address, '-n', 'crossed', ...args]);

  expect(
    await ctr('run', '--rm', '--rootfs', rootfs, 'one', '/bin/sh', '-c', 'echo out; echo err >&2; exit 5'),
  ).toEqual({
    code: 5,
    stdout: 'out\n',
    stderr: 'err\n',
  });
  expect(await ctr('run', '-d', '--rootfs', rootfs, 'two', '/bin/sleep', '1000')).toMatchObject({ code: 0 });
  const ours = join(top, 'dist/bin/containerd-shim-runc-v2');
  const pids = (await run('pgrep', ['-f', `^${ours} .*-address ${address}`])).stdout.trim().split('\n');
  expect(pids.map((pid) => readlinkSync(`/proc/${pid}/exe`))).toEqual([ours]);
  expect(await ctr('task', 'exec', '--exec-id', 'e', 'two', '/bin/sh', '-c', 'echo in; exit 6')).toMatchObject({
    code: 6,
    stdout: 'in\n',
  });
  expect((await ctr('task', 'ls')).stdout).toMatch(/^two +\d+ +RUNNING/m);
  expect((await ctr('task', 'metrics', 'two')).code).toBe(0);
  for (const verb of ['pause', 'resume']) expect((await ctr('task', verb, 'two')).code).toBe(0);
  expect((await ctr('task', 'kill', '-s', 'KILL', 'two')).code).toBe(0);
  for (let waited = 0; waited < 60_000 && !(await ctr('task', 'ls')).stdout.includes('STOPPED'); waited += 100)
    await wait(100);
  expect((await ctr('task', 'rm', 'two')).stderr).toContain('exit code 137');
  expect((await ctr('container', 'rm', 'two')).code).toBe(0);
  expect((await run('pgrep', ['-f', `-address ${address}`])).stdout).toBe('');
}, 120_000);
