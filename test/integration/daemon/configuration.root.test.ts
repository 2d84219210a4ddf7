import { expect, test } from 'bun:test';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, startDaemon, TestDaemon } from '#test/support/daemon';

const main = join(import.meta.dirname, '../../../src/main.ts');
const containerd = (...args: readonly string[]) => run(process.execPath, [main, 'containerd', ...args]);

test('a wrong type keeps the daemon from starting, with file, table, key and what was wanted', async () => {
  await using daemon = new TestDaemon({ config: "[debug]\nuid = 'root'" });
  const child = daemon.spawn();
  await new Promise((resolve) => child.once('close', resolve));
  expect(child.exitCode).toBe(1);
  expect(daemon.log).toBe(
    `containerd: ${daemon.configPath}: debug: uid: wanted a whole number from 0 to 4294967294, got "root": invalid argument\n`,
  );
});

test("a plugin's wrong type does too", async () => {
  await using daemon = new TestDaemon({
    config: "[plugins.'io.containerd.metadata.v1.bolt']\ncontent_sharing_policy = 'open'",
  });
  await expect(daemon.start()).rejects.toThrow(
    `${daemon.configPath}: plugins."io.containerd.metadata.v1.bolt": content_sharing_policy: wanted "shared" or "isolated", got "open"`,
  );
});

test('an unknown key is warned of with file and key, and the daemon starts', async () => {
  await using daemon = await startDaemon({ topConfig: 'oom_scor = 1', config: '[debug]\nlevle = "debug"' });
  expect(daemon.log).toContain(
    `level=warning msg="unknown key in the configuration: ignored" file=${daemon.configPath} key=oom_scor suggestion=oom_score`,
  );
  expect(daemon.log).toContain('key=debug.levle suggestion=level');
});

test('a file that was named and is not there is an error', async () => {
  const { code, stderr } = await containerd('-c', '/nonexistent/config.toml', 'config', 'dump');
  expect(code).toBe(1);
  expect(stderr).toContain('/nonexistent/config.toml');
});

test('disabled plugins do not start; a required one that is missing or fails keeps the daemon from starting', async () => {
  await using daemon = await startDaemon({ topConfig: "disabled_plugins = ['io.containerd.grpc.v1.version']" });
  expect((await daemon.ctr('plugins', 'ls', 'id==version')).stdout).not.toContain('version');
  expect((await daemon.ctr('version')).stderr).toContain('code = Unimplemented');
  await daemon.kill();
  daemon.configure('', "required_plugins = ['io.containerd.grpc.v1.gone']");
  await expect(daemon.start()).rejects.toThrow(
    'required_plugins: io.containerd.grpc.v1.gone: wanted a plugin that exists',
  );
  daemon.configure('', "required_plugins = ['io.containerd.server.v1.debug']");
  await expect(daemon.start()).rejects.toThrow(
    'required plugin io.containerd.server.v1.debug: no address is configured',
  );
  daemon.configure('');
  await daemon.start();
});

test('the command line stands above the file, and the log is JSON where that is asked for', async () => {
  await using daemon = await startDaemon({ config: "[debug]\nlevel = 'error'\nformat = 'json'", args: ['-l', 'info'] });
  const lines = daemon.log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly level: string; readonly msg: string });
  expect(lines[0]).toMatchObject({ level: 'info', msg: 'starting containerd' });
});

test('a plugin module of the user runs beside the others', async () => {
  await using daemon = new TestDaemon({});
  writeFileSync(
    join(daemon.directory, 'mine.ts'),
    `import { definePlugin } from '${join(import.meta.dirname, '../../../src/core/plugin/plugin.ts')}';
     export default definePlugin({ slot: { uri: 'io.test.v1', perPlatform: false }, id: 'mine', start: ({ setExport }) => { setExport('hello', 'world'); return {}; } });`,
  );
  daemon.configure('', "plugin_modules = ['mine.ts']");
  await daemon.start();
  expect((await daemon.ctr('plugins', 'ls', '-d', 'id==mine')).stdout).toMatch(/Exports:\s+hello +world/);
});

test('addresses and directories that cannot be are refused before anything is made', async () => {
  await using daemon = new TestDaemon({});
  const refusal = async (...args: readonly string[]) => {
    const { code, stderr } = await containerd('-c', daemon.configPath, '-l', 'error', ...args);
    expect(code).not.toBe(0);
    return stderr;
  };
  const wanted = 'wanted the absolute path of a socket, at most 107 bytes';
  expect(await refusal('-a', 'tcp://1.2.3.4:5')).toBe(
    `containerd: grpc: address: ${wanted}, got "tcp://1.2.3.4:5": invalid argument\n`,
  );
  expect(await refusal('-a', `/${'x'.repeat(101)}`)).toContain(`containerd: ttrpc: address: ${wanted}`);
  expect(await refusal('--root', 'relative')).toBe(
    'containerd: root "relative": wanted an absolute path: invalid argument\n',
  );
  expect(await refusal('--root', daemon.state)).toContain('root and state are both');
  expect(await refusal('--state', '/proc/nope')).toContain('containerd: state /proc/nope: ENOENT');
  expect(await refusal('-l', 'loud')).toContain('not a valid logrus Level: "loud"');
  expect(await refusal('nonsense')).toContain('No help topic for');
  expect(existsSync(daemon.address)).toBe(false);
}, 120_000);

test('config default, dump, migrate, check and schema', async () => {
  const printed = await containerd('config', 'default');
  expect(printed.code).toBe(0);
  expect(printed.stdout).toContain(
    "\n  [plugins.'io.containerd.server.v1.grpc']\n    # Path of the unix socket.\n    address = '/run/containerd/containerd.sock'\n",
  );
  await using daemon = new TestDaemon({});
  writeFileSync(daemon.configPath, printed.stdout);
  expect((await containerd('-c', daemon.configPath, 'config', 'check')).code).toBe(0);
  const dump = await containerd('-c', daemon.configPath, '--root', '/elsewhere', 'config', 'dump');
  expect(dump.stdout).toContain("root = '/elsewhere'");
  writeFileSync(daemon.configPath, 'oom_scor = 3\n[plugins.cri]\n');
  const migrated = await containerd('-c', daemon.configPath, 'config', 'migrate');
  expect(migrated.stdout).toStartWith('version = 4\n');
  expect(migrated.stderr).toContain('oom_scor: unknown key in the configuration: ignored (did you mean oom_score?)');
  expect((await containerd('-c', daemon.configPath, 'config', 'check')).code).toBe(1);
  expect(JSON.parse((await containerd('config', 'schema')).stdout)).toMatchObject({
    properties: { grpc: { type: 'object' } },
  });
});
