import { expect, test } from 'bun:test';
import { closeSync, constants, openSync, readdirSync } from 'node:fs';
import { holdProcess, kill, run, spawn } from './process.ts';

const env = { PATH: '/usr/bin:/bin' };
const openFds = () => readdirSync('/proc/self/fd').length;

test('a program gets exactly the environment, directory and input it was given', async () => {
  const script = 'env | sort | grep -v ^_= | grep -v ^SHLVL= | grep -v ^PWD=; pwd; cat';
  const result = await run(['sh', '-c', script], { env: { ...env, A: '1' }, cwd: '/', input: Buffer.from('in') });
  expect(result).toMatchObject({ exitCode: 0, stdout: 'A=1\nPATH=/usr/bin:/bin\n/\nin', stderr: '', truncated: false });
});

test('a signal gives 128 and its number, with its name', async () => {
  const result = await run(['sh', '-c', 'echo bad >&2; kill -TERM $$'], { env });
  expect(result).toMatchObject({ exitCode: 143, signal: 'SIGTERM', stdout: '', stderr: 'bad\n', truncated: false });
});

test('output beyond the bound is read and dropped', async () => {
  const result = await run(['sh', '-c', 'head -c 3000000 /dev/zero; echo done >&2'], { env, maxOutput: 1000 });
  expect([result.stdout.length, result.stderr, result.truncated]).toEqual([1000, 'done\n', true]);
});

test('a program that is not there is ENOENT', async () => {
  await expect(run(['/no/such/program'], { env })).rejects.toMatchObject({ code: 'ENOENT' });
});

test('cancelling kills the program and throws canceled', async () => {
  const stop = new AbortController();
  const running = run(['sleep', '1000'], { env, signal: stop.signal });
  setTimeout(() => stop.abort(), 20);
  await expect(running).rejects.toMatchObject({ class: 'canceled' });
});

test('a grandchild that keeps the output open does not hold the result up', async () => {
  const started = performance.now();
  const result = await run(['sh', '-c', 'sleep 100 & echo $!'], { env });
  expect(performance.now() - started).toBeLessThan(60_000);
  kill(Number(result.stdout), 'SIGKILL');
});

test('descriptors reach the child only when they are passed, and nothing leaks here', async () => {
  const secret = openSync('/etc/hostname', constants.O_RDONLY);
  await run(['true'], { env });
  const before = openFds();
  const result = await run(['ls', '-l', '/proc/self/fd'], { env });
  expect(result.stdout).not.toContain('/etc/hostname');
  const passed = await run(['readlink', '/proc/self/fd/3'], { env, extraFds: [secret] });
  expect(passed.stdout).toBe('/etc/hostname\n');
  for (let i = 0; i < 20; i++) await run(['true'], { env, input: Buffer.from('x') });
  // Pipes are closed a moment later, on a busy machine a long one.
  for (let tries = 0; openFds() > before + 5 && tries < 1_000; tries++) await Bun.sleep(50);
  expect(openFds()).toBeLessThanOrEqual(before + 5);
  closeSync(secret);
});

test('a held process tells its end to anybody, and takes signals by its handle', async () => {
  const child = spawn(['sleep', '1000'], { env });
  using handle = holdProcess(child.pid) as NonNullable<ReturnType<typeof holdProcess>>;
  const stop = new AbortController();
  const waiting = handle.ended({ signal: stop.signal });
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ class: 'canceled' });
  const ended = handle.ended();
  expect(handle.signal('SIGKILL')).toBe(true);
  await ended;
  expect(await child.exited).toEqual({ exitCode: 137, signal: 'SIGKILL' });
  expect(handle.signal(0)).toBe(false);
  expect(holdProcess(child.pid)).toBeUndefined();
  expect(kill(child.pid, 0)).toBe(false);
});

test('a thousand waits cost no threads of their own', async () => {
  const child = spawn(['sleep', '1000'], { env });
  const handles = Array.from({ length: 1000 }, () => holdProcess(child.pid));
  const waits = handles.map((handle) => handle?.ended());
  expect(readdirSync('/proc/self/task').length).toBeLessThan(40);
  child.kill('SIGKILL');
  await Promise.all(waits);
  for (const handle of handles) handle?.[Symbol.dispose]();
});
