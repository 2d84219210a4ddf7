import { afterAll, beforeAll, expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, type LifeRig, startLifeRig } from './rig.ts';

let rig: LifeRig;
beforeAll(async () => {
  rig = await startLifeRig();
}, 300_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 300_000);

const off = ['--network', 'none'];
const run = (...words: string[]) => rig.nerdctl(['run', ...off, ...words]);
const left = async () => (await rig.client.containers.list(rig.scope)).length;

// shows: run --rm
test('run ends with the container’s code, or with docker’s own', async () => {
  expect(await run('--rm', 'busybox', 'sh', '-c', 'echo out; echo err >&2; exit 42')).toEqual({
    code: 42,
    out: 'out\n',
    err: 'err\n',
  });
  const killed = run('--rm', '--name', 'killed', 'busybox', 'sleep', '1000');
  await eventually(
    () => rig.nerdctl(['kill', 'killed']),
    ({ code }) => code === 0,
  );
  expect(await killed).toMatchObject({ code: 137 });
  expect(await run('--rm', 'busybox', 'nosuchprogram')).toMatchObject({ code: 127, out: '' });
  expect(await run('--rm', 'busybox', '/etc')).toMatchObject({ code: 126, out: '' });
  expect(await run('--rm', '--memory', '1', 'busybox', 'true')).toMatchObject({ code: 125, out: '' });
  expect(await run('--nonsense', 'busybox')).toMatchObject({ code: 125 });
  expect(await run('-d', '-a', 'stdout', 'busybox')).toMatchObject({
    code: 125,
    err: 'conflicting options: cannot specify both --attach and --detach\n',
  });
  expect(await left()).toBe(0);
}, 300_000);

// shows: run --attach, run -a, run --name
test('only the streams that are asked for are attached', async () => {
  expect(await run('--rm', '-a', 'stderr', 'busybox', 'sh', '-c', 'echo out; echo err >&2')).toEqual({
    code: 0,
    out: '',
    err: 'err\n',
  });
  expect(await run('--name', 'kept', 'busybox', 'echo', 'logged')).toEqual({ code: 0, out: 'logged\n', err: '' });
  expect(await rig.nerdctl(['logs', 'kept'])).toEqual({ code: 0, out: 'logged\n', err: '' });
  expect(await run('--name', 'kept', 'busybox', 'true')).toMatchObject({
    code: 125,
    err: expect.stringContaining('is already in use by container'),
  });
  await rig.nerdctl(['rm', 'kept']);
}, 300_000);

// shows: run --detach, run -d, run --cidfile
test('run -d prints the id; with --rm the daemon removes it', async () => {
  const cidfile = join(rig.dataRoot, `cid-${randomBytes(4).toString('hex')}`);
  const { out, code } = await run('-d', '--rm', '--cidfile', cidfile, 'busybox', 'sleep', '0.3');
  expect([code, out]).toEqual([0, `${readFileSync(cidfile, 'utf8')}\n`]);
  expect(out).toMatch(/^[0-9a-f]{64}\n$/);
  await eventually(left, (count) => count === 0);
  expect(existsSync(rig.stateDir(out.trim()))).toBe(false);
}, 300_000);

// shows: logs, logs --follow, logs -f, logs --tail, logs -n, logs --timestamps, logs -t, logs --since, logs --until
test('logs shows what was said, follows to the last line, and ends when the container is removed', async () => {
  await run(
    '-d',
    '--name',
    'teller',
    'busybox',
    'sh',
    '-c',
    'for n in 1 2 3; do echo $n; sleep 0.2; done; echo last >&2',
  );
  expect(await rig.nerdctl(['logs', '-f', 'teller'])).toEqual({ code: 0, out: '1\n2\n3\n', err: 'last\n' });
  expect(await rig.nerdctl(['logs', '-n', '2', 'teller'])).toEqual({ code: 0, out: '3\n', err: 'last\n' });
  expect((await rig.nerdctl(['logs', '-t', '--tail', '1', 'teller'])).err).toMatch(
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z last\n$/,
  );
  expect(await rig.nerdctl(['logs', '--since', '1h', '--until', '1h', 'teller'])).toEqual({
    code: 0,
    out: '',
    err: '',
  });
  expect(await rig.nerdctl(['logs', '--tail', 'some', 'teller'])).toMatchObject({ code: 1 });
  await run('-d', '--name', 'talker', 'busybox', 'sh', '-c', 'while :; do echo x; sleep 0.05; done');
  const heard = Promise.withResolvers<void>();
  const following = rig.nerdctl(['logs', '-f', 'talker'], { onOut: () => heard.resolve() });
  await heard.promise;
  await rig.nerdctl(['rm', '-f', 'talker']);
  expect(await following).toMatchObject({ code: 0, err: '' });
  await rig.nerdctl(['rm', 'teller']);
}, 300_000);

// shows: run --interactive, run -i
test('100 MB go through run -i and back unharmed', async () => {
  const chunk = randomBytes(1 << 20);
  const sent = createHash('sha256');
  const got = createHash('sha256');
  const child = spawn(
    new URL('../../../dist/bin/nerdctl', import.meta.url).pathname,
    [...rig.flags, 'run', ...off, '--rm', '-i', '--log-driver', 'none', 'busybox', 'cat'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  let length = 0;
  child.stdout.on('data', (bytes: Buffer) => {
    length += bytes.length;
    got.update(bytes);
  });
  for (let n = 0; n < 100; n++) {
    chunk[0] = n;
    const piece = Buffer.from(chunk);
    sent.update(piece);
    if (!child.stdin.write(piece)) await new Promise((resolve) => child.stdin.once('drain', resolve));
  }
  child.stdin.end();
  expect(await ended).toBe(0);
  expect([length, got.digest('hex')]).toEqual([100 << 20, sent.digest('hex')]);
}, 300_000);

// shows: logs --details
test('logs --details shows what the driver was told to note', async () => {
  await run('--name', 'noted', '--label', 'team=a', '--log-opt', 'labels=team', 'busybox', 'echo', 'said');
  expect(await rig.nerdctl(['logs', '--details', 'noted'])).toEqual({ code: 0, out: 'team=a said\n', err: '' });
  await run('--name', 'silent', '--log-driver', 'none', 'busybox', 'echo', 'unheard');
  expect(await rig.nerdctl(['logs', 'silent'])).toMatchObject({
    code: 1,
    err: 'Error response from daemon: configured logging driver does not support reading\n',
  });
  await rig.nerdctl(['rm', 'noted', 'silent']);
}, 300_000);
