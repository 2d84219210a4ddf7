import { afterAll, beforeAll, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capabilityNames, defaultCapabilities } from '#lib/oci/spec/capabilities';
import { type CreateRig, startCreateRig } from './rig.ts';

let rig: CreateRig;
beforeAll(async () => {
  rig = await startCreateRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const mask = (names: readonly string[]) =>
  names
    .reduce((sum, name) => sum | (1n << BigInt(capabilityNames.indexOf(name))), 0n)
    .toString(16)
    .padStart(16, '0');
const status = (field: string, text: string) => new RegExp(`^${field}:\\s*(\\S+)`, 'm').exec(text)?.[1];
const looks = ['box', 'cat', '/proc/self/status'];

// shows: create --cap-add, run --cap-add, create --cap-drop, run --cap-drop
test('capabilities by names with and without their beginning, and all of them', async () => {
  expect(status('CapEff', await rig.said(...looks))).toBe(mask(defaultCapabilities));
  const few = await rig.said('--cap-drop', 'all', '--cap-add', 'net_bind_service', '--cap-add', 'CAP_CHOWN', ...looks);
  expect(status('CapEff', few)).toBe(mask(['CAP_CHOWN', 'CAP_NET_BIND_SERVICE']));
  const most = status('CapEff', await rig.said('--cap-add', 'ALL', '--cap-drop', 'SYS_ADMIN', ...looks)) ?? '';
  expect(BigInt(`0x${most}`) & (1n << 21n)).toBe(0n);
  expect(BigInt(`0x${most}`) & (1n << 12n)).not.toBe(0n);
  const { err } = await rig.nerdctl(['create', '--cap-add', 'foo', 'box']);
  expect(err).toBe('Error response from daemon: invalid CapAdd: unknown capability: "CAP_FOO"\n');
});

// shows: create --security-opt, run --security-opt
test('system calls, new privileges and system paths', async () => {
  const usual = await rig.said(...looks);
  expect([status('Seccomp', usual), status('NoNewPrivs', usual)]).toEqual(['2', '0']);
  expect(status('Seccomp', await rig.said('--security-opt', 'seccomp=unconfined', ...looks))).toBe('0');
  expect(status('NoNewPrivs', await rig.said('--security-opt', 'no-new-privileges', ...looks))).toBe('1');
  const profile = join(rig.dataRoot, 'profile.json');
  // docker's form: some rules are for some machines, or capabilities, only.
  writeFileSync(
    profile,
    JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
      syscalls: [
        {
          names: ['mkdir', 'mkdirat'],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: 28,
          args: null,
          comment: '',
          includes: {},
          excludes: {},
        },
        { name: 'chmod', action: 'SCMP_ACT_ERRNO', args: [], excludes: { caps: ['CAP_CHOWN'] } },
      ],
    }),
  );
  expect(await rig.said('--security-opt', `seccomp=${profile}`, 'box', 'mkdir', '/x')).toContain(
    'No space left on device',
  );
  const masked = await rig.said('box', 'sh', '-c', 'echo x > /proc/sys/kernel/hostname');
  expect(masked).toContain('Read-only file system');
  const open = await rig.said('--security-opt', 'systempaths=unconfined', 'box', 'grep', '/proc', '/proc/mounts');
  expect(open.trim().split('\n').length).toBe(1);
  for (const [option, wanted] of [
    ['foo=bar', 'invalid --security-opt 2: "foo=bar"'],
    ['label=type:x', '--security-opt label=type:x: SELinux labels'],
    ['seccomp=/nosuch', 'opening seccomp profile (/nosuch) failed'],
    ['apparmor=nosuch', 'apparmor=nosuch: '],
  ] as const)
    expect((await rig.nerdctl(['create', '--security-opt', option, 'box'])).err).toContain(wanted);
});

// shows: create --privileged, run --privileged
test('the privileged have everything, and without devices of the machine if they like', async () => {
  const script =
    'ls /dev | wc -l; mount -t tmpfs x /tmp && echo mounted; grep Seccomp: /proc/self/status; echo 0 > /proc/sys/net/ipv4/ip_forward && echo written';
  const said = await rig.said('--privileged', 'box', 'sh', '-c', script);
  expect(said).toContain('mounted\nSeccomp:\t0\nwritten');
  const less = await rig.said(
    '--privileged',
    '--security-opt',
    'privileged-without-host-devices',
    'box',
    'sh',
    '-c',
    script,
  );
  expect(Number(less.split('\n')[0])).toBeLessThan(20);
  expect(less).toContain('mounted');
});

// shows: create --user, run --user, create --group-add, run --group-add, create --umask, run --umask, create --workdir, run --workdir, create --env, run --env, create --env-file, run --env-file, create --entrypoint, run --entrypoint
test('who and where it is, and what it knows', async () => {
  const file = join(rig.dataRoot, 'env');
  writeFileSync(file, '# what\nA=file\nB=file\nOUTSIDE\n');
  const script = 'id -u; id -g; id -G; umask; pwd; echo $A $B $C $FROM $OUTSIDE; touch /tmp/x; stat -c %a /tmp/x';
  const id = (
    await rig.nerdctl(
      [
        'create',
        '--net=none',
        '-u',
        'bob:29',
        '--group-add',
        'audio',
        '--group-add',
        '77',
        '--umask',
        '0027',
        '-w',
        '/tmp',
        '-e',
        'A=flag',
        '-e',
        'C',
        '--env-file',
        file,
        'box',
        'sh',
        '-c',
        script,
      ],
      { env: { C: 'caller', OUTSIDE: 'outside' } },
    )
  ).out.trim();
  const { out } = await rig.nerdctl(['start', '-a', id]);
  expect(out.split('\n').slice(0, 6)).toEqual([
    '1000',
    '29',
    '29 77',
    '0027',
    '/tmp',
    'flag file caller image outside',
  ]);
  expect(await rig.said('--entrypoint', 'echo', 'box', 'two', 'words')).toBe('two words\n');
  expect(await rig.said('box')).toBe('the image says so\n');
  expect((await rig.nerdctl(['create', '--entrypoint', '', 'box'])).err).toContain('no command specified');
  expect((await rig.nerdctl(['create', '-u', 'nobodyhere', 'box'])).err).toContain('nobodyhere');
  expect((await rig.nerdctl(['create', '-w', 'rel', 'box'])).err).toContain(
    "the working directory 'rel' is invalid, it needs to be an absolute path",
  );
});
