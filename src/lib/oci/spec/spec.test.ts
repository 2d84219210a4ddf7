import { expect, test } from 'bun:test';
import type { RunConfig } from '../image-config.ts';
import {
  capabilityNames,
  checkCapabilities,
  currentCapabilities,
  withAddedCapabilities,
  withDroppedCapabilities,
} from './capabilities.ts';
import { defaultSpec } from './default-spec.ts';
import { devicesAt, hostDevices, withDevices } from './devices.ts';
import { decodeSpec, encodeProcess, encodeSpec } from './encode-spec.ts';
import { inheritedLabels, withImageConfig } from './image.ts';
import { parseMount, withMounts } from './mounts.ts';
import { parseIdMapping, parseNamespace, withHostNamespace, withNamespace } from './namespaces.ts';
import { withPrivileges } from './privileged.ts';
import {
  mergeEnv,
  withEnv,
  withHostname,
  withNewPrivileges,
  withOomScoreAdj,
  withReadonlyRootfs,
  withRlimit,
} from './process.ts';
import {
  withCgroup,
  withCpuQuota,
  withCpus,
  withCpuset,
  withMemoryLimit,
  withMemorySwap,
  withPidsLimit,
  withSysctls,
} from './resources.ts';
import { defaultSeccomp, parseSeccomp, withSeccomp } from './seccomp.ts';
import type { Spec } from './spec.ts';

const spec = defaultSpec('id', 'ns');
const json = (value: Spec) => JSON.parse(Buffer.from(encodeSpec(value)).toString());

test('the default spec names the container and hides what tells of the host', () => {
  expect(spec.linux?.cgroupsPath).toBe('/ns/id');
  expect(spec.linux?.maskedPaths).toContain('/sys/devices/virtual/powercap');
  expect(spec.process?.noNewPrivileges).toBe(true);
});

test('CVE-2022-24769: no capability is inheritable, whatever is added', () => {
  expect(spec.process?.capabilities?.inheritable).toBeUndefined();
  const more = withAddedCapabilities(spec, ['CAP_SYS_ADMIN']).process?.capabilities;
  expect(more?.inheritable).toBeUndefined();
  expect(more?.ambient).toBeUndefined();
  expect(more?.bounding?.at(-1)).toBe('CAP_SYS_ADMIN');
});

test('dropping takes a capability out of every set, adding twice adds once', () => {
  const changed = withDroppedCapabilities(withAddedCapabilities(spec, ['CAP_CHOWN', 'CAP_BPF', 'CAP_BPF']), [
    'CAP_KILL',
  ]);
  for (const set of ['bounding', 'effective', 'permitted'] as const) {
    const names = changed.process?.capabilities?.[set] ?? [];
    expect(names.filter((name) => name === 'CAP_CHOWN' || name === 'CAP_BPF')).toEqual(['CAP_CHOWN', 'CAP_BPF']);
    expect(names).not.toContain('CAP_KILL');
  }
});

test('capabilities are named as the kernel numbers them', async () => {
  expect(capabilityNames).toHaveLength(41);
  expect(capabilityNames[21]).toBe('CAP_SYS_ADMIN');
  expect(capabilityNames[40]).toBe('CAP_CHECKPOINT_RESTORE');
  expect(capabilityNames).toContain((await currentCapabilities())[0] ?? 'CAP_CHOWN');
  expect(() => checkCapabilities(['CHOWN'])).toThrow(
    "capabilities must be specified with 'CAP_' prefix: invalid argument",
  );
  expect(() => checkCapabilities(['CAP_x'])).toThrow('invalid argument');
  checkCapabilities(['CAP_NEWER_THAN_US']);
});

test('variables are replaced in their place, added at the end, removed by name', () => {
  expect(mergeEnv(['A=1', 'B=2', 'C=3'], ['B=x=y', 'D=4', 'A', 'E', 'D=5'])).toEqual(['B=x=y', 'C=3', 'D=4', 'D=5']);
  expect(withEnv(spec, [])).toBe(spec);
});

test("an image's command stands behind its entrypoint unless arguments are given", () => {
  const config: RunConfig = {
    user: '',
    env: [],
    entrypoint: ['/e'],
    cmd: ['c'],
    workingDir: '',
    exposedPorts: [],
    volumes: [],
    labels: {},
    stopSignal: '',
  };
  const user = { uid: 1, gid: 2 };
  expect(withImageConfig(spec, config, { user }).process?.args).toEqual(['/e', 'c']);
  expect(withImageConfig(spec, config, { user, args: ['x'] }).process?.args).toEqual(['/e', 'x']);
  expect(withImageConfig(spec, config, { user, args: [] }).process).toMatchObject({
    user,
    cwd: '/',
    args: ['/e', 'c'],
  });
});

test("CVE-2021-21334: making a container's spec leaves the image's configuration as it was", () => {
  const env = ['A=1'];
  const config: RunConfig = {
    user: '',
    env,
    cmd: ['c'],
    workingDir: '',
    exposedPorts: [],
    volumes: [],
    labels: {},
    stopSignal: '',
  };
  withEnv(withImageConfig(withEnv(spec, ['A=secret']), config, { user: { uid: 0, gid: 0 } }), ['B=secret']);
  expect(env).toEqual(['A=1']);
  expect(spec.process?.env).toBeUndefined();
});

test('CVE-2026-53488: labels that containerd acts upon are not taken from an image', () => {
  const labels = {
    a: 'b',
    'containerd.io/restart.loguri': 'binary:///x',
    'io.containerd.x': '',
    'io.cri-containerd.kind': 'x',
    'nerdctl/pid-file': '/etc/cron.d/x',
    'my.containerd.io/x': 'y',
  };
  const config: RunConfig = {
    user: '',
    env: [],
    workingDir: '',
    exposedPorts: [],
    volumes: [],
    labels,
    stopSignal: '',
  };
  expect(inheritedLabels(config)).toEqual({ a: 'b', 'my.containerd.io/x': 'y' });
});

test('mounts are read as ctr writes them', () => {
  expect(parseMount('type=bind,src=/a,dst=/b,options=rbind:ro')).toEqual({
    type: 'bind',
    source: '/a',
    destination: '/b',
    options: ['rbind', 'ro'],
  });
  expect(parseMount('"src=/a,b",destination=/x')).toEqual({ source: '/a,b', destination: '/x' });
  expect(parseMount('dst=/x,"src=a""b"')).toEqual({ source: 'a"b', destination: '/x' });
  expect(parseMount('dst=/x,src=a=b')).toEqual({ source: 'a=b', destination: '/x' });
  const table: [string, string][] = [
    ['type', 'invalid mount specification: expected key=val'],
    ['', 'invalid mount specification: expected key=val'],
    ['dst=/x,', 'invalid mount specification: expected key=val'],
    ['"dst=/x",', 'invalid mount specification: expected key=val'],
    ['foo=bar', 'mount option "foo" not supported'],
    ['type=bind,src=/a', 'destination required'],
    ['"dst=/x', 'quotes do not match'],
    ['"dst="/x', 'quotes do not match'],
  ];
  for (const [text, message] of table) expect(() => parseMount(text)).toThrow(message);
});

test('namespaces are joined, shared and mapped', () => {
  const types = (changed: Spec) => changed.linux?.namespaces?.map(({ type, path }) => `${type}${path ?? ''}`).join(' ');
  expect(types(withNamespace(spec, parseNamespace('ipc:/x')))).toBe('pid ipc/x uts mount network');
  expect(types(withNamespace(spec, parseNamespace('cgroup:/x')))).toBe('pid ipc uts mount network cgroup/x');
  expect(types(withHostNamespace(spec, 'network'))).toBe('pid ipc uts mount');
  for (const text of ['pid', 'pid:a:b', 'time:/x', 'foo:/x'])
    expect(() => parseNamespace(text)).toThrow('invalid argument');
  expect(parseIdMapping('0:1000:65536')).toEqual({ containerID: 0, hostID: 1000, size: 65536 });
  for (const text of ['', '0:1', '0:1:x', '0:1:0', '-1:0:1', '0:4294967295:2', '99999999999:0:1', '0:1:2:3']) {
    expect(() => parseIdMapping(text)).toThrow('invalid argument');
  }
});

test('limits are checked and stand beside each other', () => {
  const limited = withPidsLimit(
    withCpuset(withCpus(withMemorySwap(withMemoryLimit(spec, 100), -1), 1.5), '0-1,3', '0'),
    7,
  );
  expect(limited.linux?.resources).toMatchObject({
    memory: { limit: 100, swap: -1 },
    cpu: { quota: 150000, period: 100000, cpus: '0-1,3', mems: '0' },
    pids: { limit: 7 },
  });
  expect(limited.linux?.resources?.devices?.length).toBe(10);
  expect(withCgroup(spec, '').linux).not.toHaveProperty('cgroupsPath');
  expect(withSysctls(spec, { 'net.x': '1' }).linux?.sysctl).toEqual({ 'net.x': '1' });
  expect(withRlimit(spec, { type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }).process?.rlimits).toEqual([
    { type: 'RLIMIT_NOFILE', soft: 1, hard: 2 },
  ]);
  for (const wrong of [
    () => withMemoryLimit(spec, -1),
    () => withMemoryLimit(spec, 1.5),
    () => withPidsLimit(spec, -2),
    () => withCpuQuota(spec, -2, 0),
    () => withCpus(spec, Number.NaN),
    () => withCpuset(spec, '0-'),
    () => withCpuset(spec, '0', 'x'),
    () => withOomScoreAdj(spec, 1001),
  ]) {
    expect(wrong).toThrow('invalid argument');
  }
  expect(withOomScoreAdj(spec, -999).process?.oomScoreAdj).toBe(-999);
});

test('devices are found with their numbers', async () => {
  const [nullDevice, ...none] = await devicesAt('/dev/null', '/dev/mine');
  expect(none).toEqual([]);
  expect(nullDevice).toMatchObject({ path: '/dev/mine', type: 'c', major: 1, minor: 3, fileMode: 0o666 });
  const all = await hostDevices();
  expect(all.map(({ path }) => path)).toContain('/dev/null');
  expect(all.some(({ path }) => /^\/dev\/(console$|pts\/|shm\/|fd\/)/.test(path))).toBe(false);
  await expect(devicesAt('/dev/no-such-thing')).rejects.toThrow('error stating device path');
  await expect(devicesAt('/etc/passwd')).rejects.toThrow('not a device node: invalid argument');
  expect(withDevices(spec, all.slice(0, 1), 'r').linux?.resources?.devices?.at(-1)).toMatchObject({
    allow: true,
    access: 'r',
  });
  expect(() => withDevices(spec, all, 'x')).toThrow('invalid argument');
});

test('privileges take every wall down, those put up before too', () => {
  const walled = withSeccomp(
    { ...spec, process: { ...spec.process!, apparmorProfile: 'p', selinuxLabel: 'l' } },
    defaultSeccomp(spec, 'amd64'),
  );
  const open = withPrivileges(walled, { capabilities: ['CAP_SYS_ADMIN'], devices: [] });
  expect(open.process).not.toHaveProperty('apparmorProfile');
  expect(open.process).not.toHaveProperty('selinuxLabel');
  for (const key of ['seccomp', 'maskedPaths', 'readonlyPaths']) expect(open.linux).not.toHaveProperty(key);
  expect(open.linux?.resources?.devices).toEqual([{ allow: true, access: 'rwm' }]);
  expect(open.mounts?.find(({ type }) => type === 'sysfs')?.options).toContain('rw');
});

test('the default seccomp profile follows the capabilities and the processor', () => {
  const allowed = (changed: Spec, architecture: string) =>
    new Set(
      defaultSeccomp(changed, architecture)
        .syscalls?.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && !args)
        .flatMap(({ names }) => names),
    );
  for (const forbidden of [
    'mount',
    'unshare',
    'clone',
    'clone3',
    'bpf',
    'keyctl',
    'add_key',
    'kexec_load',
    'reboot',
    'init_module',
    'swapon',
    'userfaultfd',
  ]) {
    expect(allowed(spec, 'amd64').has(forbidden)).toBe(false);
  }
  const admin = withAddedCapabilities(spec, ['CAP_SYS_ADMIN']);
  expect(allowed(admin, 'amd64').has('mount')).toBe(true);
  expect(allowed(admin, 'amd64').has('clone')).toBe(true);
  expect(allowed(spec, 'amd64').has('arch_prctl')).toBe(true);
  expect(allowed(spec, 'arm64').has('arch_prctl')).toBe(false);
  expect(defaultSeccomp(spec, 'arm64').architectures).toContain('SCMP_ARCH_AARCH64');
  expect(() => defaultSeccomp(spec, 'z80')).toThrow('not implemented');
});

test('a seccomp profile from a file is checked', () => {
  const good = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['x'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] }],
  };
  expect(parseSeccomp(Buffer.from(JSON.stringify(good)))).toEqual(good);
  for (const wrong of [
    '{',
    '[]',
    '{}',
    '{"defaultAction":1}',
    '{"defaultAction":"x","syscalls":[{"action":"y"}]}',
    '{"defaultAction":"x","syscalls":[{"names":["a"]}]}',
  ]) {
    expect(() => parseSeccomp(Buffer.from(wrong))).toThrow('invalid argument');
  }
});

test("a spec is written in the specification's order, with maps sorted", () => {
  const mixed: Spec = {
    linux: { namespaces: [{ path: '/x', type: 'pid' }] },
    annotations: { b: '<', a: '' },
    root: { readonly: true, path: 'r' },
    ociVersion: '1',
  };
  expect(Buffer.from(encodeSpec(mixed)).toString()).toBe(
    '{"ociVersion":"1","root":{"path":"r","readonly":true},"annotations":{"a":"","b":"\\u003c"},"linux":{"namespaces":[{"type":"pid","path":"/x"}]}}',
  );
  expect(Buffer.from(encodeProcess({ cwd: '/', args: ['a'], user: { gid: 1, uid: 2 } })).toString()).toBe(
    '{"user":{"uid":2,"gid":1},"args":["a"],"cwd":"/"}',
  );
});

test('a spec that is read keeps what Berth does not know', () => {
  const text =
    '{"ociVersion":"1.0.2","zos":{"x":1},"linux":{"timeOffsets":{"monotonic":{"secs":5}},"personality":{"domain":"LINUX"}}}';
  const read = decodeSpec(Buffer.from(text));
  expect(json(withHostname(read, 'h'))).toEqual({ ...JSON.parse(text), hostname: 'h' });
  for (const wrong of [
    '',
    '[]',
    '{}',
    '{"ociVersion":5}',
    '{"ociVersion":"1","process":[]}',
    '{"ociVersion":"1","process":{"args":"sh"}}',
    '{"ociVersion":"1","mounts":{}}',
  ]) {
    expect(() => decodeSpec(Buffer.from(wrong))).toThrow('invalid argument');
  }
});

test('small changes', () => {
  expect(withReadonlyRootfs(spec).root).toEqual({ path: 'rootfs', readonly: true });
  expect(withNewPrivileges(spec).process).not.toHaveProperty('noNewPrivileges');
  expect(withMounts(spec, [])).toBe(spec);
  expect(json(withReadonlyRootfs({ ociVersion: '1' }))).toEqual({
    ociVersion: '1',
    root: { path: 'rootfs', readonly: true },
  });
});
