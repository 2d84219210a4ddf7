import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePosixFlags } from '../cli/posix-flags.ts';
import { type Globals, globals } from './globals.ts';
import { readSettings } from './settings.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync('/tmp/berth-nerdctl-');
});
afterEach(() => rmSync(directory, { recursive: true }));

function settings(toml: string, argv: readonly string[] = [], env: Record<string, string> = {}) {
  const path = join(directory, 'nerdctl.toml');
  writeFileSync(path, toml);
  const all = { NERDCTL_TOML: path, ...env };
  const { values, given } = parsePosixFlags(globals, argv, all, false);
  const fromEnvironment = Object.entries(globals).flatMap(([name, { env: variable }]) =>
    variable !== undefined && all[variable as keyof typeof all] !== undefined ? [name] : [],
  );
  return readSettings({
    io: { env: all } as never,
    globals: values as never,
    givenGlobals: new Set([...given, ...fromEnvironment]) as ReadonlySet<keyof Globals & string>,
  });
}

test('a flag counts more than its variable, that more than the file, that more than what is built in', async () => {
  const toml = 'namespace = "file"\n';
  expect((await settings('')).namespace).toBe('default');
  expect((await settings(toml)).namespace).toBe('file');
  expect((await settings(toml, [], { CONTAINERD_NAMESPACE: 'env' })).namespace).toBe('env');
  expect((await settings(toml, ['-n', 'flag'], { CONTAINERD_NAMESPACE: 'env' })).namespace).toBe('flag');
  expect((await settings('debug = true', ['--debug=false'])).debug).toBe(false);
});

test('the address may have its scheme; lists come from flags as a whole', async () => {
  expect(await settings('address = "unix:///x.sock"\nhosts_dir = ["/a"]')).toMatchObject({
    address: '/x.sock',
    hostsDirs: ['/a'],
  });
  expect(await settings('hosts_dir = ["/a"]', ['--hosts-dir', '/b'])).toMatchObject({ hostsDirs: ['/b'] });
});

test('what is wrong in the file is told with file and key', async () => {
  for (const [toml, said] of [
    ['namespac = "x"', 'unknown key namespac; did you mean namespace?'],
    ['debug = 5', 'debug'],
    ['x', 'nerdctl.toml: line 1'],
    ['selinux_enabled = true', 'no support for SELinux'],
    ['cgroup_manager = "no"', 'cgroup_manager'],
  ] as const)
    await expect(settings(toml)).rejects.toThrow(said);
  await expect(settings('', ['--cgroup-manager', 'no'])).rejects.toThrow('invalid cgroup manager "no"');
  rmSync(join(directory, 'nerdctl.toml'));
  const gone = { io: { env: { NERDCTL_TOML: join(directory, 'nerdctl.toml') } }, globals: {}, givenGlobals: new Set() };
  await expect(readSettings(gone as never)).rejects.toThrow('configuration');
});
