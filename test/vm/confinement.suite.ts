import { expect, test } from 'bun:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { OptionsSchema } from '#api/runtime/runc/v1/options_pb';
import { debianRun, ourRun } from './berth-machine.ts';
import type { Machine } from './machine.ts';

const userNamespace = '--uidmap 0:100000:65536 --gidmap 0:200000:65536';

/** What keeps a container from the host. `at` is a machine whose kernel has AppArmor. */
export function confinementSuite(at: () => Machine): void {
  for (const [whose, run] of [
    ['our', ourRun],
    ["Debian's", debianRun],
  ] as const) {
    const id = (name: string) => `${whose === 'our' ? 'our' : 'debian'}-${name}`;

    test(`AppArmor: ${whose} ctr loads a default profile, and the kernel holds a container to it`, async () => {
      const machine = at();
      const profile = id('profile');
      const act = 'cat /proc/self/attr/current; mount -t tmpfs none /tmp; echo $?; touch /tmp/a && echo written';
      const held = await machine.run(
        run(`--rm --cap-add CAP_SYS_ADMIN --apparmor-default-profile ${profile}`, id('held'), `sh -c '${act}'`),
        120,
      );
      expect(held.stdout).toBe(`${profile} (enforce)\n255\nwritten\n`);
      expect(await machine.ok('cat /sys/kernel/security/apparmor/profiles')).toContain(`${profile} (enforce)`);
      // The same without the profile: it was the profile that said no.
      const free = await machine.run(run('--rm --cap-add CAP_SYS_ADMIN', id('free'), `sh -c '${act}'`), 120);
      expect(free.stdout).toEndWith('0\nwritten\n');
    }, 300_000);

    test(`AppArmor: ${whose} ctr uses a profile that is loaded, and fails with one that is not`, async () => {
      const machine = at();
      const profile = id('own-profile');
      const text = `profile ${profile} flags=(attach_disconnected,mediate_deleted) {\n file,\n capability,\n network,\n mount,\n umount,\n pivot_root,\n signal,\n ptrace,\n deny /etc/** w,\n}\n`;
      await machine.ok(`echo ${Buffer.from(text).toString('base64')} | base64 -d | apparmor_parser -K -r`);
      const act = 'cat /proc/self/attr/current; touch /tmp/a && echo tmp; touch /etc/a || echo refused';
      const done = await machine.run(run(`--rm --apparmor-profile ${profile}`, id('own'), `sh -c '${act}'`), 120);
      expect(done.stdout).toBe(`${profile} (enforce)\ntmp\nrefused\n`);
      const missing = await machine.run(run('--rm --apparmor-profile nobody-loaded-this', id('none'), 'true'), 120);
      expect(missing.code).toBe(1);
      expect(missing.stderr).toContain('unable to apply apparmor profile');
      expect(
        await machine.ok(`/usr/bin/ctr containers ls -q; find /sys/fs/cgroup/default -name '*${id('none')}*'`),
      ).not.toContain(id('none'));
    }, 300_000);

    test(`seccomp: ${whose} ctr's default profile refuses what even root may not`, async () => {
      const machine = at();
      const act = 'sed -n s/^Seccomp:.//p /proc/self/status; busybox unshare -U true || echo refused; echo done';
      const held = await machine.run(run('--rm --seccomp', id('seccomp'), `sh -c '${act}'`), 120);
      expect(held.stdout).toBe('2\nrefused\ndone\n');
      const free = await machine.run(run('--rm', id('no-seccomp'), `sh -c '${act}'`), 120);
      expect(free.stdout).toBe('0\ndone\n');
    }, 300_000);

    test(`privileged: ${whose} ctr takes all walls down`, async () => {
      const machine = at();
      const act =
        'sed -n "s/^CapEff:.//p; s/^Seccomp:.//p" /proc/self/status; cat /proc/self/attr/current; mount -t tmpfs none /tmp && ls -d /dev/nvme0n1; echo 1 > /proc/sys/kernel/panic_on_warn; echo $?; echo 0 > /proc/sys/kernel/panic_on_warn';
      const { stdout } = await machine.run(run('--rm --privileged', id('privileged'), `sh -c '${act}'`), 120);
      const everything = (
        2n ** BigInt(Number(await machine.ok('cat /proc/sys/kernel/cap_last_cap')) + 1) -
        1n
      ).toString(16);
      expect(stdout).toBe(`${everything.padStart(16, '0')}\n0\nunconfined\n/dev/nvme0n1\n0\n`);
    }, 300_000);

    test(`user namespace: ${whose} ctr shifts the files, and the streams belong to the container's root`, async () => {
      const machine = at();
      const act =
        'cat /proc/self/uid_map /proc/self/gid_map; echo again > /dev/stdout; touch /etc/made; stat -c %u:%g /bin/busybox / /etc/made; mount -t tmpfs none /tmp || echo refused';
      const done = await machine.run(run(`--rm ${userNamespace}`, id('mapped'), `sh -c '${act}'`), 120);
      const lines = done.stdout.trim().split('\n');
      expect(lines.map((line) => line.trim().replaceAll(/ +/g, ' '))).toEqual([
        '0 100000 65536',
        '0 200000 65536',
        'again',
        '0:0',
        '0:0',
        '0:0',
        'refused',
      ]);
    }, 300_000);
  }

  test('a shim goes into the control group that its options name, or says why not', async () => {
    const machine = at();
    await machine.ok('mkdir -p /sys/fs/cgroup/shims /run/by-hand && echo "{}" > /run/by-hand/config.json');
    const start = (options: Uint8Array) =>
      `cd /run/by-hand && echo ${Buffer.from(options).toString('base64')} | base64 -d | containerd-shim-runc-v2 -namespace by-hand -address /run/by-hand/c.sock -publish-binary /bin/true -id by-hand start`;
    const pidOf = "busybox ps | sed -n 's/^ *\\([0-9]*\\).*-id [b]y-hand.*/\\1/p'";
    await machine.ok(start(shimOptions('/shims')));
    const pid = await machine.ok(pidOf);
    expect(await machine.ok(`cat /proc/${pid}/cgroup`)).toBe('0::/shims');
    await machine.ok(`kill -9 ${pid}`);
    const refused = await machine.run(start(shimOptions('/nobody-made-this')));
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('nobody-made-this');
    expect(await machine.ok(pidOf)).toBe('');
    // This kernel has no core scheduling: who asks for it must hear that.
    const unprotected = await machine.run(
      start(shimOptions('')).replace('| containerd-shim', '| SCHED_CORE=1 containerd-shim'),
    );
    expect(unprotected.code).not.toBe(0);
    expect(unprotected.stderr).toContain('enable sched core support: ');
    expect(await machine.ok(pidOf)).toBe('');
    await machine.ok('rmdir /sys/fs/cgroup/shims && rm -r /run/by-hand');
  }, 120_000);
}

/** What a daemon gives to a shim's `start`: the runtime's options. */
function shimOptions(shimCgroup: string): Uint8Array {
  const value = toBinary(OptionsSchema, create(OptionsSchema, { shimCgroup }));
  return toBinary(AnySchema, create(AnySchema, { typeUrl: OptionsSchema.typeName, value }));
}
