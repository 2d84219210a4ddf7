import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CreateRig, cgroupFile, startCreateRig } from './rig.ts';

let rig: CreateRig;
beforeAll(async () => {
  rig = await startCreateRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

// shows: create --memory, run --memory, create --memory-swap, run --memory-swap, create --memory-reservation, run --memory-reservation, create --memory-swappiness, run --memory-swappiness, create --oom-kill-disable, run --oom-kill-disable
test('memory is limited as the flags say', async () => {
  await rig.running(
    [
      '-m',
      '64m',
      '--memory-swap',
      '96m',
      '--memory-reservation',
      '32m',
      '--memory-swappiness',
      '10',
      '--oom-kill-disable',
      'box',
      'sleep',
      '1000',
    ],
    async (id) => {
      expect(cgroupFile(rig, 'memory', id, 'memory.limit_in_bytes')).toBe(String(64 << 20));
      expect(cgroupFile(rig, 'memory', id, 'memory.memsw.limit_in_bytes')).toBe(String(96 << 20));
      expect(cgroupFile(rig, 'memory', id, 'memory.soft_limit_in_bytes')).toBe(String(32 << 20));
      expect(cgroupFile(rig, 'memory', id, 'memory.swappiness')).toBe('10');
      expect(cgroupFile(rig, 'memory', id, 'memory.oom_control')).toContain('oom_kill_disable 1');
    },
  );
});

// shows: create --cpus, run --cpus, create --cpu-shares, run --cpu-shares, create --cpuset-cpus, run --cpuset-cpus, create --cpuset-mems, run --cpuset-mems, create --pids-limit, run --pids-limit
test('processors and processes are limited', async () => {
  const words = [
    '--cpus',
    '0.5',
    '--cpu-shares',
    '512',
    '--cpuset-cpus',
    '0',
    '--cpuset-mems',
    '0',
    '--pids-limit',
    '17',
  ];
  await rig.running([...words, 'box', 'sleep', '1000'], async (id) => {
    expect(cgroupFile(rig, 'cpu', id, 'cpu.cfs_quota_us')).toBe('50000');
    expect(cgroupFile(rig, 'cpu', id, 'cpu.cfs_period_us')).toBe('100000');
    expect(cgroupFile(rig, 'cpu', id, 'cpu.shares')).toBe('512');
    expect(cgroupFile(rig, 'cpuset', id, 'cpuset.cpus')).toBe('0');
    expect(cgroupFile(rig, 'cpuset', id, 'cpuset.mems')).toBe('0');
    expect(cgroupFile(rig, 'pids', id, 'pids.max')).toBe('17');
  });
});

// shows: create --cpu-period, run --cpu-period, create --cpu-quota, run --cpu-quota, create --cgroup-parent, run --cgroup-parent
test('a quota in its own period, below a group of the user', async () => {
  const parent = `${rig.scope.namespace}/above`;
  const words = ['--cpu-period', '20000', '--cpu-quota', '5000', '--cgroup-parent', parent];
  await rig.running([...words, 'box', 'sleep', '1000'], async (id) => {
    const of = (file: string) => cgroupFile(rig, 'cpu', `above/${id}`, file);
    expect([of('cpu.cfs_quota_us'), of('cpu.cfs_period_us')]).toEqual(['5000', '20000']);
  });
  for (const controller of readdirSync('/sys/fs/cgroup'))
    if (existsSync(`/sys/fs/cgroup/${controller}/${parent}`)) rmdirSync(`/sys/fs/cgroup/${controller}/${parent}`);
});

// shows: create --device-read-bps, run --device-read-bps, create --device-write-bps, run --device-write-bps, create --device-read-iops, run --device-read-iops, create --device-write-iops, run --device-write-iops
test('disks are limited by device', async () => {
  const [disk, numbers] = someDisk();
  const words = ['read', 'write'].flatMap((way) => [
    `--device-${way}-bps`,
    `${disk}:1mb`,
    `--device-${way}-iops`,
    `${disk}:100`,
  ]);
  await rig.running([...words, 'box', 'sleep', '1000'], async (id) => {
    for (const way of ['read', 'write']) {
      expect(cgroupFile(rig, 'blkio', id, `blkio.throttle.${way}_bps_device`)).toBe(`${numbers} 1048576`);
      expect(cgroupFile(rig, 'blkio', id, `blkio.throttle.${way}_iops_device`)).toBe(`${numbers} 100`);
    }
  });
});

// shows: create --blkio-weight, run --blkio-weight, create --blkio-weight-device, run --blkio-weight-device
test('a weight that the kernel cannot give is told, and goes on without', async () => {
  const [disk] = someDisk();
  const { code, err } = await rig.nerdctl([
    'create',
    '--net',
    'none',
    '--blkio-weight',
    '100',
    '--blkio-weight-device',
    `${disk}:200`,
    'box',
  ]);
  expect(code).toBe(0);
  const has = existsSync('/sys/fs/cgroup/blkio/blkio.weight') || existsSync('/sys/fs/cgroup/blkio/blkio.bfq.weight');
  expect(err.includes('Your kernel does not support Block I/O weight')).toBe(!has);
});

// shows: create --ulimit, run --ulimit, create --shm-size, run --shm-size, create --oom-score-adj, run --oom-score-adj, create --sysctl, run --sysctl
test('limits of the process, its shared memory and its parameters', async () => {
  const words = [
    '--ulimit',
    'nofile=77:88',
    '--ulimit',
    'core=0',
    '--shm-size',
    '2m',
    '--oom-score-adj',
    '123',
    '--sysctl',
    'net.core.somaxconn=77',
  ];
  const script =
    'ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj /proc/sys/net/core/somaxconn; grep /dev/shm /proc/mounts';
  const said = await rig.said(...words, 'box', 'sh', '-c', script);
  expect(said.split('\n').slice(0, 4)).toEqual(['77', '88', '123', '77']);
  expect(said).toContain('size=2048k');
});

// shows: create --device, run --device, create --device-cgroup-rule, run --device-cgroup-rule
test('devices of the machine, where and as far as they are asked for', async () => {
  const script = 'ls /dev/mine; head -c 1 /dev/mine | wc -c; echo x > /dev/mine; echo $?';
  const said = await rig.said('--device', '/dev/zero:/dev/mine:r', 'box', 'sh', '-c', script);
  expect(said).toContain('/dev/mine\n1\n');
  await rig.running(['--device-cgroup-rule', 'c 10:200 rw', 'box', 'sleep', '1000'], async (id) => {
    expect(cgroupFile(rig, 'devices', id, 'devices.list')).toContain('c 10:200 rw');
  });
  const { code, err } = await rig.nerdctl(['create', '--net', 'none', '--device', '/dev/nosuch', 'box']);
  expect([code, err.includes('error gathering device information while adding custom device "/dev/nosuch"')]).toEqual([
    1,
    true,
  ]);
});

// shows: create --gpus, run --gpus
test('devices by CDI, and GPUs among them', async () => {
  const directory = join(rig.dataRoot, 'cdi');
  mkdirSync(directory, { recursive: true });
  const devices = [{ name: '0', containerEdits: { env: ['GPU=zero'] } }];
  writeFileSync(join(directory, 'gpu.json'), JSON.stringify({ cdiVersion: '0.5.0', kind: 'nvidia.com/gpu', devices }));
  const made = await rig.nerdctl([
    '--cdi-spec-dirs',
    directory,
    'create',
    '--net',
    'none',
    '--name',
    'gpu',
    '--gpus',
    'all',
    'box',
    'sh',
    '-c',
    'echo $GPU',
  ]);
  expect(made.err).toBe('');
  expect((await rig.nerdctl(['start', '-a', 'gpu'])).out).toBe('zero\n');
  const named = await rig.nerdctl([
    '--cdi-spec-dirs',
    directory,
    'create',
    '--net',
    'none',
    '--device',
    'nvidia.com/gpu=7',
    'box',
  ]);
  expect([named.code, named.err.includes('unresolvable CDI device nvidia.com/gpu=7')]).toEqual([1, true]);
  expect((await rig.nerdctl(['create', '--net', 'none', '--gpus', 'all', 'box'])).err).toContain(
    'could not select device driver',
  );
});

const impossible: readonly (readonly [string, string])[] = [
  ['-m 1m', 'Minimum memory limit allowed is 6MB'],
  ['-m 10m --memory-swap 5m', 'Minimum memoryswap limit should be larger than memory limit, see usage'],
  ['--memory-swap 10m', 'You should always set the Memory limit when using Memoryswap limit, see usage'],
  ['-m 50m --memory-reservation 100m', 'Minimum memory limit can not be less than memory reservation limit, see usage'],
  ['--cpus 100', 'range of CPUs is from 0.01 to'],
  ['--cpus 1 --cpu-quota 5000', 'Conflicting options: Nano CPUs and CPU Quota cannot both be set'],
  ['--cpu-period 1', 'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)'],
  ['--cpu-quota 10', 'CPU cfs quota can not be less than 1ms (i.e. 1000)'],
  ['--cpuset-cpus x', 'Invalid value x for cpuset cpus: invalid format: x'],
  ['--cpuset-cpus 999', 'Requested CPUs are not available - requested 999, available: '],
  ['--oom-score-adj 2000', 'Invalid value 2000, range for oom score adj is [-1000, 1000]'],
  ['--blkio-weight 5000', 'Range of blkio weight is from 10 to 1000'],
  ['--device-read-bps /dev/null:1', '/dev/null is no block device'],
  ['--cgroup-conf memory.high=1', 'cgroup-conf: this machine has no cgroup v2'],
  ['--sysctl kernel.shmmax=1 --ipc host', "sysctl 'kernel.shmmax' not allowed in host ipc namespace"],
];

test('limits that cannot be are refused in one line, and nothing stays', async () => {
  const before = await rig.things();
  for (const [words, wanted] of impossible) {
    const { code, err } = await rig.nerdctl(['create', '--net', 'none', ...words.split(' '), 'box']);
    expect([words, code, err.startsWith(`Error response from daemon: ${wanted}`), err.split('\n').length]).toEqual([
      words,
      1,
      true,
      2,
    ]);
  }
  expect(await rig.things()).toEqual(before);
});

/** A disk of this machine and its number. */
function someDisk(): readonly [string, string] {
  for (const name of readdirSync('/sys/block')) {
    const numbers = readFileSync(`/sys/block/${name}/dev`, 'utf8').trim();
    if (existsSync(`/dev/${name}`)) return [`/dev/${name}`, numbers];
  }
  throw new Error('this machine has no disk');
}
