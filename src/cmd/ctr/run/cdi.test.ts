import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { classOf, messageOf } from '#base/errors';
import { devicesInAnnotations, isQualifiedName } from '#lib/cdi/device-name';
import { CdiRegistry } from '#lib/cdi/registry';
import type { Spec } from '#lib/oci/spec/spec';
import { parseYaml } from '#sys/yaml';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync('/tmp/berth-cdi-');
  for (const name of ['etc', 'run']) mkdirSync(join(directory, name));
});
afterEach(() => rmSync(directory, { recursive: true }));

const empty: Spec = { ociVersion: '1.0.0', process: { user: { uid: 0, gid: 0 }, cwd: '/', env: ['A=1', 'B=2'] } };
const at = (name: string) => join(directory, name);
const put = (name: string, content: unknown) =>
  writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content));
const registry = () => CdiRegistry.open({ directories: [at('etc'), at('run'), at('absent')], parseYaml });
const device = (name: string, containerEdits: object = { env: [`DEVICE=${name}`] }) => ({ name, containerEdits });
const file = (devices: readonly object[], more: object = {}) => ({
  cdiVersion: '0.6.0',
  kind: 'v.com/gpu',
  devices,
  ...more,
});
const inject = async (...names: readonly string[]) => (await registry()).inject(empty, names);
const outcome = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (thrown: unknown) => `${classOf(thrown)}: ${messageOf(thrown)}`,
  );

test('names are told from paths', () => {
  for (const name of ['vendor.com/gpu=0', 'nvidia.com/gpu=all', 'v/c.d=a:b.c_d-e'])
    expect(isQualifiedName(name)).toBe(true);
  for (const name of ['/dev/null', 'vendor/gpu', 'v/c=', '1v/c=0', 'v/c=-a', 'v/c=a.', 'v/c/d=e', 'v/c=/dev/null', ''])
    expect([name, isQualifiedName(name)]).toEqual([name, false]);
  expect(devicesInAnnotations({ 'cdi.k8s.io/x': 'v/c=0,v/c=1', other: 'y' })).toEqual(['v/c=0', 'v/c=1']);
  expect(() => devicesInAnnotations({ 'cdi.k8s.io/x': 'v/c' })).toThrow('wanted vendor/class=name');
});

test('all kinds of edits, the common ones once', async () => {
  const hook = { hookName: 'createContainer', path: '/bin/hook', args: ['hook', 'x'], env: ['H=1'], timeout: 3 };
  put(
    'etc/gpu.json',
    file(
      [
        device('0', {
          env: ['A=changed', 'NEW=x=y'],
          deviceNodes: [
            { path: '/dev/gpu0', type: 'c', major: 10, minor: 20, permissions: 'rw', fileMode: 0o640, uid: 5, gid: 6 },
            { path: '/dev/zero-here', hostPath: '/dev/zero' },
          ],
          mounts: [
            { hostPath: '/lib', containerPath: '/a/b/c', options: ['ro', 'bind'] },
            { hostPath: 'tmpfs', containerPath: '/a', type: 'tmpfs' },
          ],
          hooks: [hook],
          additionalGids: [0, 44, 44, 7],
          intelRdt: { closID: 'gold', enableCMT: true },
          netDevices: [{ hostInterfaceName: 'eth7', name: 'net0' }],
        }),
        device('1'),
      ],
      { cdiVersion: '1.1.0', containerEdits: { env: ['COMMON=1'], hooks: [{ hookName: 'prestart', path: '/pre' }] } },
    ),
  );
  const spec = await inject('v.com/gpu=1', 'v.com/gpu=0');
  expect(spec.process?.env).toEqual(['A=changed', 'B=2', 'COMMON=1', 'DEVICE=1', 'NEW=x=y']);
  expect(spec.process?.user.additionalGids).toEqual([44, 7]);
  expect(spec.linux?.devices).toEqual([
    { path: '/dev/gpu0', type: 'c', major: 10, minor: 20, fileMode: 0o640, uid: 5, gid: 6 },
    { path: '/dev/zero-here', type: 'c', major: 1, minor: 5 },
  ]);
  expect(spec.linux?.resources?.devices).toEqual([
    { allow: true, type: 'c', major: 10, minor: 20, access: 'rw' },
    { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' },
  ]);
  expect(spec.mounts).toEqual([
    { destination: '/a', source: 'tmpfs', type: 'tmpfs' },
    { destination: '/a/b/c', source: '/lib', options: ['ro', 'bind'] },
  ]);
  expect(spec.hooks).toEqual({
    prestart: [{ path: '/pre' }],
    createContainer: [{ path: '/bin/hook', args: ['hook', 'x'], env: ['H=1'], timeout: 3 }],
  });
  expect(spec.linux?.intelRdt).toEqual({ closID: 'gold', enableCMT: true });
  expect(spec.linux?.netDevices).toEqual({ eth7: { name: 'net0' } });
});

test('a node belongs to the container’s user, unless it says whose it is, and takes the place of another', async () => {
  put('etc/a.json', file([device('0', { deviceNodes: [{ path: '/dev/null', uid: 0 }, { path: '/dev/full' }] })]));
  const before: Spec = {
    ...empty,
    process: { user: { uid: 10, gid: 20 }, cwd: '/' },
    linux: { devices: [{ path: '/dev/null', type: 'c', major: 9, minor: 9 }] },
  };
  expect((await (await registry()).inject(before, ['v.com/gpu=0'])).linux?.devices).toEqual([
    { path: '/dev/null', type: 'c', major: 1, minor: 3, uid: 0, gid: 20 },
    { path: '/dev/full', type: 'c', major: 1, minor: 7, uid: 10, gid: 20 },
  ]);
});

test('YAML is read as JSON is; other files are left alone', async () => {
  put(
    'etc/a.yaml',
    '---\ncdiVersion: "0.6.0"\nkind: v.com/gpu\ndevices:\n- name: "0"\n  containerEdits: &e\n    env: [Y=1]\n- name: "1"\n  containerEdits: *e\n',
  );
  put('etc/README', 'nothing');
  put('etc/b.yml', 'not: read');
  const found = await registry();
  expect([found.names, found.problems]).toEqual([['v.com/gpu=0', 'v.com/gpu=1'], []]);
  expect((await inject('v.com/gpu=1')).process?.env).toContain('Y=1');
});

test('later directories count for more; within one, a device is described once', async () => {
  put('etc/a.json', file([device('0', { env: ['FROM=etc'] }), device('1', { env: ['FROM=etc'] })]));
  put('run/a.json', file([device('0', { env: ['FROM=run'] })]));
  expect((await inject('v.com/gpu=0')).process?.env).toContain('FROM=run');
  expect((await inject('v.com/gpu=1')).process?.env).toContain('FROM=etc');
  put('run/b.json', file([device('0', { env: ['FROM=b'] })]));
  expect(await outcome(inject('v.com/gpu=0'))).toBe(
    `invalid_argument: CDI device v.com/gpu=0: described by ${at('run/a.json')} and ${at('run/b.json')}: invalid argument`,
  );
  expect((await registry()).names).toEqual(['v.com/gpu=1']);
});

const nested = `a: &a [1,1,1,1,1,1,1,1,1,1]\n${'bcdefgh'
  .split('')
  .map((key, i) => `${key}: &${key} [${Array(10).fill(`*${'abcdefgh'[i]}`).join(',')}]`)
  .join('\n')}\n`;

const wrong: Readonly<Record<string, readonly [content: unknown, reason: string]>> = {
  'no JSON': ['{', 'JSON'],
  'a version nobody knows': [file([device('0')], { cdiVersion: '9.0.0' }), '.cdiVersion: "9.0.0"'],
  'no kind': [{ cdiVersion: '0.6.0', devices: [] }, '.kind: missing'],
  'a malformed kind': [file([device('0')], { kind: 'v.com' }), '.kind: "v.com"'],
  'an unknown field': [file([device('0')], { contianerEdits: {} }), '.contianerEdits: unknown field'],
  'an unknown field of a device': [file([device('0', { evn: [] })]), '.devices[0].containerEdits.evn: unknown field'],
  'a malformed device name': [file([device('a/b')]), '.devices[0].name'],
  'a device twice': [file([device('0'), device('0')]), '.devices[1].name: "0" given twice'],
  'a device without edits': [file([device('0', {})]), '.devices[0].containerEdits: nothing in it'],
  'a variable without value': [file([device('0', { env: ['X'] })]), '.devices[0].containerEdits.env[0]'],
  'a relative node': [file([device('0', { deviceNodes: [{ path: 'x' }] })]), '.deviceNodes[0].path'],
  'a node of no type': [file([device('0', { deviceNodes: [{ path: '/x', type: 'q' }] })]), '.deviceNodes[0].type'],
  'permissions of no kind': [
    file([device('0', { deviceNodes: [{ path: '/x', permissions: 'rx' }] })]),
    '.deviceNodes[0].permissions',
  ],
  'a mount without source': [
    file([device('0', { mounts: [{ containerPath: '/x' }] })]),
    '.mounts[0].hostPath: missing',
  ],
  'a hook of no name': [file([device('0', { hooks: [{ hookName: 'x', path: '/x' }] })]), '.hooks[0].hookName: "x"'],
  'a hook with a bad variable': [
    file([device('0', { hooks: [{ hookName: 'prestart', path: '/x', env: ['A'] }] })]),
    '.hooks[0].env[0]',
  ],
  'a group that is none': [
    file([device('0', { additionalGids: [-1] })], { cdiVersion: '0.7.0' }),
    '.additionalGids[0]',
  ],
  'a class of service outside': [
    file([device('0', { intelRdt: { closID: '../x' } })], { cdiVersion: '0.7.0' }),
    '.intelRdt.closID',
  ],
  'an annotation of a bad name': [file([device('0')], { annotations: { 'a b': 'c' } }), '.annotations: "a b"'],
  'what its version does not have: groups': [file([device('0', { additionalGids: [1] })]), 'needs 0.7.0'],
  'what its version does not have: a host path': [
    file([device('a', { deviceNodes: [{ path: '/x', hostPath: '/y' }] })], { cdiVersion: '0.4.0' }),
    'needs 0.5.0',
  ],
  'what its version does not have: mount types': [
    file([device('a', { mounts: [{ hostPath: 'x', containerPath: '/y', type: 'z' }] })], { cdiVersion: '0.3.0' }),
    'needs 0.4.0',
  ],
  'what its version does not have: annotations': [
    file([device('a')], { cdiVersion: '0.5.0', annotations: { a: 'b' } }),
    'needs 0.6.0',
  ],
};

for (const [what, [content, reason]] of Object.entries(wrong))
  test(`a file is refused, by name and field: ${what}`, async () => {
    put('etc/bad.json', content);
    put('etc/good.json', file([device('good')], { kind: 'v.com/other' }));
    const said = await outcome(inject('v.com/gpu=0'));
    expect(said).toStartWith('not_found: unresolvable CDI device v.com/gpu=0 (');
    expect(said).toContain(at('etc/bad.json'));
    expect(said).toContain(reason);
    expect((await inject('v.com/other=good')).process?.env).toContain('DEVICE=good'); // others are not concerned
  });

test('YAML that is none, or would fill the memory, is refused', async () => {
  put('etc/bad.yaml', 'a: [');
  put('etc/bomb.yaml', nested);
  const { problems } = await registry();
  expect(problems).toEqual([expect.stringContaining('bad.yaml'), expect.stringContaining('bomb.yaml')]);
});

test('a node whose device is not here, is a directory or of another type is told with its file', async () => {
  const nodes = {
    absent: { path: '/dev/no-such-device' },
    directory: { path: '/d', hostPath: '/dev' },
    block: { path: '/n', hostPath: '/dev/null', type: 'b' },
  };
  put('etc/a.json', file(Object.entries(nodes).map(([name, node]) => device(name, { deviceNodes: [node] }))));
  expect(await outcome(inject('v.com/gpu=absent'))).toStartWith(
    `not_found: ${at('etc/a.json')}: CDI device "/dev/no-such-device"`,
  );
  expect(await outcome(inject('v.com/gpu=directory'))).toContain('a directory');
  expect(await outcome(inject('v.com/gpu=block'))).toContain('of type c, not b');
});
