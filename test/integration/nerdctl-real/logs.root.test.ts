import { afterAll, beforeAll, expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lines, type RealRig, startRealRig, talkingBusybox } from './rig.ts';

let rig: RealRig;
beforeAll(async () => {
  rig = await startRealRig();
  await rig.load('busybox', talkingBusybox());
}, 300_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 300_000);

const million = 1_000_000;
const mebi8 = 8 << 20;
/** What the container says, without docker's words around each line. */
const said = process.env.BERTH_LONG === '1' ? 1000 * million : 100 * million;

test('a container that says very much has so many files of such a size, and its last line is found at once', async () => {
  const line = 'x'.repeat(199);
  const script = `yes ${line} | head -n ${said / 200}; echo the last line`;
  const limits = ['--log-opt', 'max-size=8m', '--log-opt', 'max-file=3'];
  await rig.ok('create', '--name', 'loud', '--network', 'none', ...limits, 'busybox', 'sh', '-c', script);
  await rig.ok('start', 'loud');
  const follows = spawn('nsenter', [...rig.command.slice(1), 'logs', '-f', '--tail', '1', 'loud'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let tail = '';
  follows.stdout.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-100);
  });
  const closed = once(follows, 'close');
  expect(await rig.ok('wait', 'loud')).toBe('0');
  expect((await closed)[0]).toBe(0);
  expect(tail).toEndWith('x\nthe last line\n');
  const path = await rig.ok('inspect', '-f', '{{.LogPath}}', 'loud');
  const files = readdirSync(dirname(path)).filter((name) => name.includes('-json.log'));
  expect(files).toHaveLength(3);
  const sizes = files.map((name) => statSync(join(dirname(path), name)).size);
  for (const size of sizes) expect(size).toBeLessThanOrEqual(mebi8 + 400);
  expect(sizes.filter((size) => size > mebi8 - 1000)).toHaveLength(2);
  const before = performance.now();
  const last = lines(await rig.ok('logs', '--tail', '5', 'loud'));
  expect(performance.now() - before).toBeLessThan(30_000);
  expect(last).toEqual([line, line, line, line, 'the last line']);
  await rig.ok('rm', 'loud');
  expect(await rig.left()).toEqual([]);
}, 600_000);

test('a container that is removed while its log is followed ends the command that follows', async () => {
  await rig.ok('run', '-d', '--name', 'gone', '--network', 'none', 'busybox', 'sh', '-c', 'echo here; sleep 1000');
  const follows = spawn('nsenter', [...rig.command.slice(1), 'logs', '-f', 'gone'], { stdio: 'pipe' });
  let text = '';
  for (const stream of [follows.stdout, follows.stderr]) stream.on('data', (chunk: Buffer) => (text += String(chunk)));
  await once(follows.stdout, 'data');
  const closed = once(follows, 'close');
  await rig.ok('rm', '-f', 'gone');
  expect((await closed)[0]).toBe(0);
  expect(text).toBe('here\n');
  expect(await rig.left()).toEqual([]);
}, 300_000);
