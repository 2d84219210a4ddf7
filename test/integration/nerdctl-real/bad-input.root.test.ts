import { afterAll, beforeAll, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nginxImage } from '#test/support/program-image';
import { lines, type RealRig, startRealRig, talkingBusybox } from './rig.ts';

let rig: RealRig;
/** All that there is of disk for the daemon. */
let small: string;
beforeAll(async () => {
  small = mkdtempSync(join(tmpdir(), 'berth-small-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', small]);
  rig = await startRealRig({ parent: small });
  await rig.load('busybox', talkingBusybox());
}, 300_000);
afterAll(async () => {
  await rig?.[Symbol.asyncDispose]();
  execFileSync('umount', [small]);
  rmdirSync(small);
}, 300_000);

const long = 'n'.repeat(300);
const bad: readonly (readonly [string, number, string])[] = [
  ['run -m 1k busybox true', 125, 'Minimum memory limit allowed is 6MB'],
  ['run -m lots busybox true', 125, 'invalid argument "lots" for "-m, --memory" flag'],
  ['run --cpus 1000 busybox true', 125, 'range of CPUs is from 0.01 to '],
  ['run --cpuset-cpus 9999 busybox true', 125, 'Requested CPUs are not available'],
  ['run -d --name taken busybox true', 125, 'The container name "/taken" is already in use'],
  ['run --rm -p 9090:80 busybox true', 125, 'Bind for 0.0.0.0:9090 failed: port is already allocated'],
  ['run --rm -p 99999:80 busybox true', 125, 'Invalid hostPort: 99999'],
  ['run --rm --pull never missing true', 125, 'No such image: missing:latest'],
  [`run --rm --name ${long} busybox true`, 125, 'Invalid container name'],
  [`run --rm -h ${long} busybox true`, 125, 'invalid hostname'],
  [`network create ${long}`, 1, ''],
  [`volume create ${long}`, 1, ''],
  ['run --rm busybox /none', 127, 'no such file or directory'],
  ['run --rm busybox /etc', 126, 'permission denied'],
  ['run --rm -w relative busybox true', 125, 'needs to be an absolute path'],
  ['run --rm --network nonet busybox true', 125, 'network nonet not found'],
  ['run --rm -u nobodyhere busybox true', 125, 'nobodyhere'],
  ['run --rm --device /dev/nosuch busybox true', 125, '/dev/nosuch'],
  ['run --rm --cap-add NONSENSE busybox true', 125, 'CAP_NONSENSE'],
  ['exec taken /none', 127, 'no such file or directory'],
  ['exec taken /etc', 126, 'permission denied'],
  ['exec nosuch true', 1, 'No such container: nosuch'],
  ['start nosuch', 1, 'No such container: nosuch'],
  ['logs nosuch', 1, 'No such container: nosuch'],
  ['rm taken', 1, 'You cannot remove a running container'],
  ['kill -s NOSIG taken', 1, 'invalid signal: NOSIG'],
  ['update -m 1k taken', 1, 'Minimum memory limit allowed is 6MB'],
  ['cp taken:/nofile /tmp/', 1, 'Could not find the file /nofile'],
  ['rmi nosuch', 1, 'No such image: nosuch'],
  ['network create bridge', 1, 'bridge'],
];

test('what cannot be is told in one line, with docker’s exit code, and nothing is left of it', async () => {
  await rig.ok('run', '-d', '--name', 'taken', '-p', '9090:80', 'busybox', 'sleep', '1000');
  for (const [words, code, text] of bad) {
    const ran = await rig.nerdctl(...words.split(' '));
    expect({ words, code: ran.code, lines: lines(ran.stderr).length }).toEqual({ words, code, lines: 1 });
    expect(ran.stderr).toContain(text);
  }
  for (const words of [
    ['run', '--nonsense', 'busybox'],
    ['ps', '--nonsense'],
    ['logs', '-x'],
  ]) {
    const ran = await rig.nerdctl(...words);
    expect(ran.code).toBe(125);
    expect(ran.stderr).toMatch(/^unknown (shorthand )?flag: .*\nSee 'nerdctl \w+ --help'\.\n$/);
  }
  await rig.ok('rm', '-f', 'taken');
  expect(await rig.left()).toEqual([]);
}, 300_000);

test('on a full disk nothing is begun, and all is well when there is room again', async () => {
  const fill = join(small, 'fill');
  const full = () => execFileSync('sh', ['-c', `dd if=/dev/zero of=${fill} bs=64k 2> /dev/null || true`]);
  full();
  try {
    await expect(rig.load('nginx:debian', nginxImage())).rejects.toThrow(
      /load -i \S+: 1: .*(no space left|ENOSPC|disk is full)/,
    );
    const ran = await rig.nerdctl('run', '--rm', '--network', 'none', 'busybox', 'true');
    expect(ran.code).toBe(125);
    expect(lines(ran.stderr)).toHaveLength(1);
  } finally {
    rmSync(fill);
  }
  await rig.ok('run', '--rm', '--network', 'none', 'busybox', 'true');
  expect(rig.traces()).toEqual([]);
}, 300_000);

test('a registry that is not there is told in one line', async () => {
  const { code, stderr } = await rig.nerdctl('pull', '-q', '127.0.0.1:1/nothing');
  expect(code).toBe(1);
  expect(lines(stderr)).toHaveLength(1);
  expect(stderr).toContain('ECONNREFUSED 127.0.0.1:1');
  expect(rig.traces()).toEqual([]);
});
