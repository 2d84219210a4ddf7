import { expect, test } from 'bun:test';
import { debianRun, removeContainers } from './berth-machine.ts';
import type { Machine } from './machine.ts';

const properties = (machine: Machine, ...names: readonly string[]) =>
  machine
    .ok(`systemctl show containerd ${names.map((name) => `-p ${name}`).join(' ')}`)
    .then((text) => Object.fromEntries(text.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2))));

/** Lines of `task ls`, sorted: name, pid, status. */
const tasks = async (machine: Machine) =>
  (await machine.ok('/usr/bin/ctr task ls'))
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/).join(' '))
    .sort();

/** The systemd unit as a user meets it. `at` is a machine with Berth's service running. */
export function serviceSuite(at: () => Machine): void {
  test('the service runs as its unit says, and the daemon served when systemd called it started', async () => {
    const machine = at();
    const shown = await properties(
      machine,
      'Type',
      'ActiveState',
      'Delegate',
      'KillMode',
      'MainPID',
      'ControlGroup',
      'UnitFileState',
    );
    expect(shown).toMatchObject({
      Type: 'notify',
      ActiveState: 'active',
      Delegate: 'yes',
      KillMode: 'process',
      UnitFileState: 'enabled',
    });
    expect(await machine.ok(`cat /proc/${shown.MainPID}/oom_score_adj`)).toBe('-999');
    expect(await machine.ok(`readlink /proc/${shown.MainPID}/exe`)).toBe('/usr/local/lib/berth/containerd');
    const status = await machine.ok('systemctl status --no-pager containerd');
    expect(status).toContain('Active: active (running)');
    await machine.ok('systemctl restart containerd && /usr/bin/ctr --connect-timeout 1s version', 120);
    expect(await machine.ok('journalctl -u containerd --no-pager -o cat')).toContain('containerd successfully booted');
  }, 300_000);

  test('a configuration that cannot be read is a start that fails, with the reason in the journal', async () => {
    const machine = at();
    await machine.ok('mkdir -p /etc/containerd && echo "version = nonsense" > /etc/containerd/config.toml');
    try {
      const { code, stderr } = await machine.run('systemctl restart containerd', 120);
      expect(code).not.toBe(0);
      expect(stderr).toContain('Job for containerd.service failed');
      expect(await machine.ok('journalctl -u containerd --no-pager -o cat -n 20')).toContain(
        '/etc/containerd/config.toml',
      );
    } finally {
      await machine.ok('rm /etc/containerd/config.toml; systemctl stop containerd; systemctl reset-failed containerd');
      await machine.ok('systemctl start containerd', 120);
    }
  }, 400_000);

  test('containers outlive restart, kill -9, stop and an upgrade, and are managed again', async () => {
    const machine = at();
    for (const id of ['stay-1', 'stay-2'])
      await machine.ok(debianRun('-d', id, 'sh -c "echo begun > /tmp/said; sleep 10000"'), 120);
    const before = await tasks(machine);
    expect(before).toEqual([
      expect.stringMatching(/^stay-1 \d+ RUNNING$/),
      expect.stringMatching(/^stay-2 \d+ RUNNING$/),
    ]);
    const shims = await machine.ok("busybox ps | grep '[s]him-runc-v2' | sort");
    const same = async (exec: string) => {
      expect(await tasks(machine)).toEqual(before);
      expect(await machine.ok("busybox ps | grep '[s]him-runc-v2' | sort")).toBe(shims);
      expect(await machine.ok(`/usr/bin/ctr task exec --exec-id ${exec} stay-1 cat /tmp/said`)).toBe('begun');
    };

    await machine.ok('systemctl restart containerd', 120);
    await same('after-restart');

    const { MainPID, NRestarts } = await properties(machine, 'MainPID', 'NRestarts');
    await machine.ok(`kill -9 ${MainPID}`);
    await machine.until(
      `systemctl is-active containerd && [ "$(systemctl show -P MainPID containerd)" != ${MainPID} ]`,
      120,
    );
    expect((await properties(machine, 'NRestarts')).NRestarts).toBe(String(Number(NRestarts) + 1));
    await same('after-kill');

    await machine.ok('systemctl stop containerd');
    expect(await machine.ok("busybox ps | grep '[s]him-runc-v2' | sort")).toBe(shims);
    await machine.ok(
      'tar -C / -xzf /payload/berth.tar.gz && systemctl daemon-reload && systemctl start containerd',
      300,
    );
    await same('after-upgrade');

    // One ends while nobody looks: its end is known afterwards.
    const pid = before[1]?.split(' ')[1];
    await machine.ok(`systemctl stop containerd; kill -9 ${pid}; systemctl start containerd`, 200);
    expect(await tasks(machine)).toEqual([before[0] as string, `stay-2 ${pid} STOPPED`]);
    const { code } = await machine.run('/usr/bin/ctr task rm stay-2');
    expect(code).toBe(0);
    await machine.ok(removeContainers('stay-1', 'stay-2'));
    expect(await tasks(machine)).toEqual([]);
    expect((await machine.run("busybox ps | grep '[s]him-runc-v2'")).code).toBe(1);
    expect(
      await machine.ok('find /sys/fs/cgroup/default -mindepth 1 -type d; grep -c /run/containerd /proc/mounts || true'),
    ).toBe('0');
  }, 900_000);

  test('shims stay in the group of the service that systemd gave away, containers have their own', async () => {
    const machine = at();
    await machine.ok(debianRun('-d', 'grouped', 'sleep 10000'), 120);
    const pid = await machine.ok("/usr/bin/ctr task ls | sed -n 's/^grouped *\\([0-9]*\\).*/\\1/p'");
    expect(await machine.ok(`cat /proc/${pid}/cgroup`)).toBe('0::/default/grouped');
    const shim = await machine.ok('busybox pidof containerd-shim-runc-v2');
    expect(await machine.ok(`cat /proc/${shim}/cgroup`)).toBe('0::/system.slice/containerd.service');
    expect(await machine.ok(`cat /proc/${shim}/oom_score_adj`)).toBe('-998');
    // A spec that says nothing inherits: runtimes must not change it by themselves.
    expect(await machine.ok(`cat /proc/${pid}/oom_score_adj`)).toBe('-998');
    await machine.ok(removeContainers('grouped'));
  }, 300_000);
}
