import { expect, test } from 'bun:test';
import { debianRun, ourRun, removeContainers } from './berth-machine.ts';
import { oomTopics, startPeer } from './debian-peer.ts';
import type { Machine } from './machine.ts';
import { writeBundle } from './spec-file.ts';

export interface CgroupSuiteOptions {
  readonly driver: 'cgroupfs' | 'systemd';
}

interface Metrics {
  readonly pids: Readonly<Record<string, number>>;
  readonly cpu: Readonly<Record<string, number>>;
  readonly memory: Readonly<Record<string, number>>;
  readonly memory_events: Readonly<Record<string, number>>;
}

/** What version 2 of control groups is to a container: limits, figures, lack of memory, and nothing left. */
export function cgroupSuite(at: () => Machine, { driver }: CgroupSuiteOptions): void {
  const systemd = driver === 'systemd';
  const name = (id: string) => `${driver}-${id}`;
  const flags = (id: string) => (systemd ? `--runc-systemd-cgroup --cgroup machine.slice:berth:${name(id)}` : '');
  const group = (id: string) =>
    `/sys/fs/cgroup/${systemd ? `machine.slice/berth-${name(id)}.scope` : `default/${name(id)}`}`;
  const files = async (id: string, ...names: readonly string[]) =>
    Object.fromEntries(
      (await at().ok(`cd ${group(id)} && for f in ${names.join(' ')}; do echo "$f $(cat $f)"; done`))
        .split('\n')
        .map((line) => line.split(/ (.*)/s).slice(0, 2)),
    );

  test('limits of a spec stand in the files of its group', async () => {
    const machine = at();
    const id = name('limits');
    const config = await writeBundle(machine, id, {
      args: ['sleep', '10000'],
      cgroupsPath: systemd ? `machine.slice:berth:${id}` : `/default/${id}`,
      resources: {
        memory: { limit: 32 << 20, swap: 48 << 20, reservation: 16 << 20 },
        cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: '0', mems: '0' },
        pids: { limit: 17 },
        unified: { 'memory.high': String(24 << 20) },
      },
    });
    await machine.ok(`/usr/bin/ctr run -d ${flags('limits')} --config ${config} ${id}`, 120);
    expect(
      await files(
        'limits',
        'memory.max',
        'memory.swap.max',
        'memory.low',
        'memory.high',
        'cpu.max',
        'cpu.weight',
        'pids.max',
        'cpuset.cpus',
        'cpuset.mems',
      ),
    ).toEqual({
      'memory.max': String(32 << 20),
      'memory.swap.max': String(16 << 20),
      'memory.low': String(16 << 20),
      'memory.high': String(24 << 20),
      'cpu.max': '50000 100000',
      'cpu.weight': '20',
      'pids.max': '17',
      'cpuset.cpus': '0',
      'cpuset.mems': '0',
    });
    const metrics = JSON.parse(await machine.ok(`/usr/bin/ctr task metrics --format json ${id}`)) as Metrics;
    expect(metrics.pids).toEqual({ current: 1, limit: 17 });
    expect(metrics.memory).toMatchObject({ usage_limit: 32 << 20, swap_limit: 16 << 20 });
    await machine.ok(removeContainers(id));
    expect((await machine.run(`ls -d ${group('limits')}`)).code).not.toBe(0);
  }, 300_000);

  test('figures are what the files say', async () => {
    const machine = at();
    const id = name('figures');
    const work =
      'head -c 3000000 /dev/urandom > /tmp/f; for i in 1 2 3; do sha256sum /tmp/f; done > /dev/null; sleep 10000';
    await machine.ok(
      debianRun(
        `-d --memory-limit 67108864 --cpu-quota 60000 --cpu-period 100000 ${flags('figures')}`,
        id,
        `sh -c "${work}"`,
      ),
      120,
    );
    await machine.until(`/usr/bin/ctr task exec --exec-id e$(date +%N) ${id} ps | grep -q "sleep 10000"`);
    // Frozen, nothing in it moves between two looks.
    await machine.ok(`/usr/bin/ctr task pause ${id}`);
    const metrics = JSON.parse(await machine.ok(`/usr/bin/ctr task metrics --format json ${id}`)) as Metrics;
    const keys = async (file: string) =>
      Object.fromEntries(
        (await machine.ok(`cat ${group('figures')}/${file}`)).split('\n').map((line) => {
          const [key = '', value = ''] = line.split(' ');
          return [key, Number(value)] as const;
        }),
      );
    const [cpu, memory] = [await keys('cpu.stat'), await keys('memory.stat')];
    for (const key of ['usage_usec', 'user_usec', 'system_usec', 'nr_periods', 'nr_throttled', 'throttled_usec'])
      expect([key, metrics.cpu[key] ?? 0]).toEqual([key, cpu[key] as number]);
    for (const key of ['anon', 'file', 'kernel_stack', 'shmem', 'file_mapped', 'active_anon', 'pgfault', 'pgmajfault'])
      expect([key, metrics.memory[key] ?? 0]).toEqual([key, memory[key] as number]);
    expect(memory.file).toBeGreaterThan(2_900_000);
    expect(metrics.cpu.usage_usec).toBeGreaterThan(10_000);
    const now = await files('figures', 'pids.current', 'pids.max', 'memory.current', 'memory.max');
    expect(metrics.pids.current).toBe(Number(now['pids.current']));
    expect(Math.abs((metrics.memory.usage ?? 0) - Number(now['memory.current']))).toBeLessThan(1 << 20);
    expect(metrics.memory.usage_limit).toBe(Number(now['memory.max']));
    await machine.ok(`/usr/bin/ctr task resume ${id}`);
    await machine.ok(removeContainers(id));
  }, 300_000);

  test("lack of memory is told as often, and in the same place, as by Debian's containerd", async () => {
    const machine = at();
    await using peer = await startPeer(machine);
    // The first dies itself; the second loses a child twice and goes on.
    const cases = [
      ['dies', 'tail /dev/zero'],
      ['loses', 'sh -c "tail /dev/zero; sleep 2; tail /dev/zero; sleep 2; exit 3"'],
    ] as const;
    for (const [id, command] of cases) {
      const run = debianRun(`--rm --memory-limit 20971520 ${flags(id)}`, name(id), command);
      const ours = await oomTopics(machine, '/run/containerd/containerd.sock', run);
      // Debian's looks at the group when it hears of a change, and is at times too late for one that has gone: what it tells at all is compared.
      let theirs = await oomTopics(machine, peer.address, run);
      for (let again = 0; again < 3 && theirs.length < ours.length; again++)
        theirs = await oomTopics(machine, peer.address, run);
      expect([id, ours]).toEqual([id, theirs]);
      expect(ours).toContain('/tasks/oom');
    }
  }, 600_000);

  test('the group of a container that ended by itself is gone, with what it had made below it', async () => {
    const machine = at();
    const id = name('nested');
    // Its own control groups are mounted for writing, as a container that runs containers has them.
    const nested = `mkdir -p /c && mount -t cgroup2 none /c && mkdir /c$(sed s/0::// /proc/self/cgroup)/deep && sleep 1`;
    await machine.ok(ourRun(`--rm --privileged ${flags('nested')}`, id, `sh -c '${nested}'`), 120);
    expect((await machine.run(`ls -d ${group('nested')}`)).code).not.toBe(0);
    if (systemd) expect(await machine.ok(`systemctl list-units --no-legend --all 'berth-${id}*'`)).toBe('');
  }, 300_000);

  if (systemd)
    test('a systemd cgroup is a scope in its slice, of which systemd knows the limits', async () => {
      const machine = at();
      const id = name('scope');
      await machine.ok(debianRun(`-d --memory-limit 33554432 ${flags('scope')}`, id, 'sleep 10000'), 120);
      const shown = await machine.ok(
        `systemctl show berth-${id}.scope -p ActiveState -p Slice -p MemoryMax -p ControlGroup`,
      );
      expect(shown.split('\n').sort()).toEqual([
        'ActiveState=active',
        `ControlGroup=/machine.slice/berth-${id}.scope`,
        'MemoryMax=33554432',
        'Slice=machine.slice',
      ]);
      // systemd ends what is in it; the daemon hears of it.
      await machine.ok(`systemctl kill -s KILL berth-${id}.scope`);
      await machine.until(`/usr/bin/ctr task ls | grep -q "${id}.*STOPPED"`);
      await machine.ok(removeContainers(id));
    }, 300_000);
}
