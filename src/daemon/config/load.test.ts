import { afterEach, expect, test } from 'bun:test';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'smol-toml';
import { duration, flag, list, map, number, opaque, table, text } from '#base/config';
import { messageOf } from '#base/errors';
import { definePlugin } from '#core/plugin/plugin';
import { slot } from '#core/plugin/slot';
import { Server } from '#core/servers/server';
import { defaultConfig, loadConfig } from './load.ts';
import { configSchema, formatConfigReference, formatDefaultConfig, formatEffectiveConfig } from './print.ts';

const plugin = (uri: string, id: string, config = table({})) =>
  definePlugin({ slot: slot(uri), id, config, start: () => ({}) });
const scheduler = plugin(
  'io.containerd.gc.v1',
  'scheduler',
  table({
    mutation_threshold: number({ default: 100 }),
    deletion_threshold: number(),
    schedule_delay: duration({ default: '0ms' }),
  }),
);
const restart = plugin(
  'io.containerd.monitor.container.v1',
  'restart',
  table({ interval: duration({ default: '10s' }) }),
);
const diff = plugin(
  'io.containerd.service.v1',
  'diff-service',
  table({ default: list(text(), { default: ['walking'] }) }),
);
const transfer = plugin(
  'io.containerd.transfer.v1',
  'local',
  table({ registry: table({ config_path: text(), mirrors: map(opaque()) }) }),
);
const grpc = definePlugin({
  slot: Server,
  id: 'grpc',
  config: table({ uid: number(), address: text(), tcp_tls_ca: text(), grpc_histogram: opaque() }),
  start: () => ({ address: '', [Symbol.asyncDispose]: async () => {} }),
});
const builtins = [scheduler, restart, diff, transfer, grpc];

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function files(contents: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-config-'));
  folders.push(folder);
  for (const [name, content] of Object.entries(contents)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return join(folder, 'config.toml');
}

async function refusal(contents: Readonly<Record<string, string>>): Promise<string> {
  const path = await files(contents);
  return loadConfig(path, builtins).then(
    () => 'accepted',
    (thrown: unknown) => messageOf(thrown).replaceAll(dirname(path), '.'),
  );
}

test("of two limits for messages the socket's holds, in whatever order they stand", async () => {
  const limit = (of: string, bytes: number) =>
    `[plugins."io.containerd.server.v1.${of}"]\nmax_recv_message_size = ${bytes}\n`;
  for (const text of [limit('grpc', 3) + limit('grpc-tcp', 4), limit('grpc-tcp', 4) + limit('grpc', 3)]) {
    const { top } = await loadConfig(await files({ 'config.toml': `version = 4\n${text}` }), builtins);
    expect(top.grpc.max_recv_message_size).toBe(3);
  }
  const alone = await loadConfig(await files({ 'config.toml': `version = 4\n${limit('grpc-tcp', 4)}` }), builtins);
  expect(alone.top.grpc.max_recv_message_size).toBe(4);
});

test('the printed default configuration is complete, and reading it back changes nothing', async () => {
  const printed = formatDefaultConfig(defaultConfig(builtins));
  const path = await files({ 'config.toml': printed });
  const loaded = await loadConfig(path, builtins);
  expect(loaded.warnings).toEqual([]);
  expect(loaded.top).toEqual({ ...defaultConfig(builtins).top, plugins: loaded.top.plugins });
  expect(formatEffectiveConfig(loaded)).toBe(formatEffectiveConfig(defaultConfig(builtins)));
  expect(parse(printed)).toMatchObject({
    version: 4,
    root: '/var/lib/containerd',
    timeouts: { 'io.containerd.timeout.shim.load': '5s' },
    plugins: {
      'io.containerd.gc.v1.scheduler': { mutation_threshold: 100, schedule_delay: '0s' },
      'io.containerd.server.v1.grpc': {
        address: '/run/containerd/containerd.sock',
        uid: 0,
        max_recv_message_size: 16777216,
      },
    },
  });
});

test('versions 2, 3 and 4 mean the same', async () => {
  const two =
    'version = 2\n[grpc]\nuid = 7\ntcp_tls_ca = "x"\n[metrics]\ngrpc_histogram = true\n[plugins."io.containerd.internal.v1.restart"]\ninterval = "3s"';
  const three = two.replace('version = 2', 'version = 3').replace('internal.v1', 'monitor.container.v1');
  const four =
    'version = 4\n[plugins."io.containerd.server.v1.grpc"]\nuid = 7\n[plugins."io.containerd.server.v1.grpc-tcp"]\ntls_ca = "x"\n' +
    '[plugins."io.containerd.metrics.v1.grpc-prometheus"]\ngrpc_histogram = true\n[plugins."io.containerd.monitor.container.v1.restart"]\ninterval = "3s"';
  for (const content of [two, three, four]) {
    const config = await loadConfig(await files({ 'config.toml': content }), builtins);
    expect(config.warnings).toEqual([]);
    expect(config.of(restart)).toEqual({ interval: 3000 });
    expect(config.of(grpc)).toMatchObject({ uid: 7, tcp_tls_ca: 'x', grpc_histogram: true });
  }
});

test('what is printed has the newest form, whatever was read, and means the same when it is read again', async () => {
  const old =
    'version = 2\n[grpc]\naddress = "/g"\ntcp_address = "127.0.0.1:1"\ntcp_tls_key = "/k"\n[ttrpc]\naddress = "/t"\n[debug]\naddress = "/d"\nlevel = "warn"\n' +
    '[metrics]\naddress = "127.0.0.1:2"\ngrpc_histogram = true\n[plugins."io.containerd.internal.v1.restart"]\ninterval = "3s"\n[plugins."io.x.v1.y"]\nz = 1\n';
  const read = await loadConfig(await files({ 'config.toml': old }), builtins);
  const printed = formatEffectiveConfig(read);
  expect(parse(printed)).toMatchObject({
    version: 4,
    debug: { level: 'warn', format: '' },
    plugins: {
      'io.containerd.server.v1.grpc': { address: '/g' },
      'io.containerd.server.v1.grpc-tcp': { address: '127.0.0.1:1', tls_key: '/k' },
      'io.containerd.server.v1.ttrpc': { address: '/t' },
      'io.containerd.server.v1.debug': { address: '/d' },
      'io.containerd.server.v1.metrics': { address: '127.0.0.1:2' },
      'io.containerd.metrics.v1.grpc-prometheus': { grpc_histogram: true },
      'io.containerd.monitor.container.v1.restart': { interval: '3s' },
      'io.x.v1.y': { z: 1 },
    },
  });
  expect(Object.keys(parse(printed))).not.toContain('grpc');
  const again = await loadConfig(await files({ 'config.toml': printed }), builtins);
  expect(again.warnings.map(({ key }) => key)).toEqual(['plugins.io.x.v1.y']);
  for (const plugin of builtins) expect(again.of(plugin)).toEqual(read.of(plugin));
  expect({ ...again.top, plugins: {} }).toEqual({ ...read.top, plugins: {} });
});

test('a listener whose plugin is disabled has no address', async () => {
  const content =
    'version = 4\ndisabled_plugins = ["io.containerd.server.v1.grpc-tcp", "io.containerd.server.v1.debug"]\n' +
    '[plugins."io.containerd.server.v1.grpc-tcp"]\naddress = "127.0.0.1:1"\n[plugins."io.containerd.server.v1.debug"]\naddress = "/d"\n' +
    '[plugins."io.containerd.server.v1.metrics"]\naddress = "127.0.0.1:2"\n';
  const { top } = await loadConfig(await files({ 'config.toml': content }), builtins);
  expect([top.grpc.tcp_address, top.debug.address, top.metrics.address]).toEqual(['', '', '127.0.0.1:2']);
});

test('core scheduling that is asked for in the environment of shims is asked for here', async () => {
  const task = plugin('io.containerd.runtime.v2', 'task', table({ sched_core: flag() }));
  const env = (value: string) => `version = 3\n[plugins."io.containerd.shim.v1.manager"]\nenv = ${value}\n`;
  const config = await loadConfig(await files({ 'config.toml': env('["SCHED_CORE=1"]') }), [...builtins, task]);
  expect([config.of(task), config.warnings]).toEqual([{ sched_core: true }, []]);
  const none = await loadConfig(await files({ 'config.toml': env('[]') }), [...builtins, task]);
  expect([none.of(task), none.warnings]).toEqual([{ sched_core: false }, []]);
  const more = await loadConfig(await files({ 'config.toml': env('["A=b", "SCHED_CORE=true"]') }), [...builtins, task]);
  expect([more.of(task), more.warnings.map(({ key }) => key)]).toEqual([
    { sched_core: true },
    ['plugins.io.containerd.shim.v1.manager'],
  ]);
});

test('further files of the usual directory are read where the file names no imports', async () => {
  const path = await files({
    'config.toml': 'version = 2\nroot = "/a"',
    'none.toml': 'version = 2\nroot = "/a"\nimports = []',
    'conf.d/1.toml': 'version = 4\n[plugins."io.containerd.server.v1.grpc"]\nuid = 7\n',
  });
  const usualImports = [join(dirname(path), 'conf.d/*.toml')];
  const read = (name: string) => loadConfig(join(dirname(path), name), builtins, {}, { usualImports });
  expect((await read('config.toml')).of(grpc)).toMatchObject({ uid: 7 });
  expect((await read('none.toml')).of(grpc)).toMatchObject({ uid: 0 });
  // No main file: those of the directory alone.
  const alone = await read('gone.toml');
  expect([alone.top.root, alone.of(grpc)]).toMatchObject(['/var/lib/containerd', { uid: 7 }]);
  await expect(loadConfig(join(dirname(path), 'gone.toml'), builtins)).rejects.toThrow(/not found/);
});

test('version 1 names plugins by their ids, in tables and in lists', async () => {
  const path = await files({
    'config.toml':
      'disabled_plugins = ["cri", "restart"]\n[plugins.scheduler]\nmutation_threshold = 5\n[plugins.cri]\nx = 1',
  });
  const config = await loadConfig(path, builtins);
  expect(config.of(scheduler)).toMatchObject({ mutation_threshold: 5 });
  expect(config.top.disabled_plugins).toEqual([
    'io.containerd.grpc.v1.cri',
    'io.containerd.monitor.container.v1.restart',
  ]);
  expect(config.warnings.map(({ key }) => key)).toEqual(['version', 'plugins.cri']);
});

test('what has no effect is told with file and key', async () => {
  const path = await files({
    'config.toml':
      'version = 2\nplugin_dir = "/x"\nrot = "/x"\n[grpc]\nuuid = 1\n[timeouts]\n"io.containerd.timeout.bolt.open" = "5s"\n"io.containerd.timeout.shim.lod" = "5s"\n"mine" = "1s"\n[plugins."io.containerd.grpc.v1.cri"]\nx = 1\n[plugins."io.x"]\n[plugins."io.containerd.gc.v1.scheduler"]\nmutation_treshold = 1',
  });
  const config = await loadConfig(path, builtins);
  expect(new Set(config.warnings.map(({ file }) => file))).toEqual(new Set([path]));
  expect(config.warnings.map(({ key, suggestion }) => [key, suggestion])).toEqual([
    ['rot', 'root'],
    ['grpc.uuid', 'uid'],
    ['plugin_dir', undefined],
    ['timeouts.io.containerd.timeout.bolt.open', undefined],
    ['timeouts.io.containerd.timeout.shim.lod', undefined],
    ['plugins.io.containerd.grpc.v1.cri', undefined],
    ['plugins.io.x', undefined],
    ['plugins.io.containerd.gc.v1.scheduler.mutation_treshold', 'mutation_threshold'],
  ]);
});

test('imports are read breadth first, once each, relative to the file that names them', async () => {
  const path = await files({
    'config.toml': 'version = 2\nimports = ["conf.d/*.toml", "last.toml"]\noom_score = -5\nstate = "/a"',
    'conf.d/1.toml': 'imports = ["sub/deep.toml", "../config.toml"]\noom_score = 0\nroot = "/one"',
    'conf.d/2.toml': 'root = "/two"\nstate = ""',
    'conf.d/sub/deep.toml': 'temp = "/deep"\nroot = "/deep"',
    'conf.d/ignored.conf': 'nonsense',
    'last.toml': 'version = 3\noom_score = 9',
  });
  const config = await loadConfig(path, builtins);
  expect(config.files.map((file) => file.slice(dirname(path).length + 1))).toEqual([
    'config.toml',
    'conf.d/1.toml',
    'conf.d/2.toml',
    'last.toml',
    'conf.d/sub/deep.toml',
  ]);
  expect(config.top).toMatchObject({ root: '/deep', state: '/a', temp: '/deep', oom_score: 9 });
  expect(parse(formatEffectiveConfig(config))).toMatchObject({
    version: 4,
    imports: config.files.slice(1) as string[],
  });
});

test('a later file adds to lists, replaces timeouts and proxies by key, and merges plugins in depth', async () => {
  const path = await files({
    'config.toml':
      'version = 2\nimports = ["b.toml"]\ndisabled_plugins = ["a.b.c.v1.x"]\n[grpc]\nuid = 7\n[timeouts]\n"io.containerd.timeout.task.state" = "9s"\n' +
      '[proxy_plugins.x]\ntype = "snapshot"\naddress = "/x"\n[proxy_plugins.z]\ntype = "snapshot"\naddress = "/z"\n[plugins."io.containerd.gc.v1.scheduler"]\nmutation_threshold = 5\ndeletion_threshold = 9\n' +
      '[plugins."io.containerd.service.v1.diff-service"]\ndefault = ["one"]',
    'b.toml':
      'disabled_plugins = ["a.b.c.v1.x", "a.b.c.v1.y"]\n[grpc]\nuid = 0\n[timeouts]\n"io.containerd.timeout.task.state" = "0s"\n"mine" = "1s"\n' +
      '[proxy_plugins.x]\ntype = "content"\naddress = "/y"\n[plugins."io.containerd.gc.v1.scheduler"]\nmutation_threshold = 0\n[plugins."io.containerd.service.v1.diff-service"]\ndefault = ["two"]',
  });
  const config = await loadConfig(path, builtins);
  expect(config.top).toMatchObject({ disabled_plugins: ['a.b.c.v1.x', 'a.b.c.v1.y'], grpc: { uid: 7 } });
  expect(config.top.timeouts).toMatchObject({
    'io.containerd.timeout.task.state': 0,
    mine: 1000,
    'io.containerd.timeout.shim.load': 5000,
  });
  expect(config.top.proxy_plugins).toMatchObject({ x: { type: 'content', address: '/y' }, z: { type: 'snapshot' } });
  expect(config.of(scheduler)).toMatchObject({ mutation_threshold: 0, deletion_threshold: 9 });
  expect(config.of(diff)).toEqual({ default: ['two'] });
});

test('the command line stands above the files', async () => {
  const path = await files({
    'config.toml': 'version = 2\nroot = "/a"\n[grpc]\naddress = "/a.sock"\nuid = 3\n[debug]\nlevel = "warn"',
  });
  const config = await loadConfig(path, builtins, { root: '/b', address: '/b.sock', level: 'debug' });
  expect(config.top).toMatchObject({ root: '/b', grpc: { address: '/b.sock', uid: 3 }, debug: { level: 'debug' } });
  expect(config.of(grpc)).toMatchObject({ address: '/b.sock', uid: 3 });
});

test("the CRI plugin's registries go to whoever pulls, unless that has its own", async () => {
  const cri =
    '[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/certs"\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\nendpoint = ["http://m"]\n';
  const own = '[plugins."io.containerd.transfer.v1.local".registry]\nconfig_path = "/mine"\n';
  const adopted = await loadConfig(await files({ 'config.toml': `version = 2\n${cri}` }), builtins);
  expect(adopted.of(transfer)).toEqual({
    registry: { config_path: '/certs', mirrors: { 'docker.io': { endpoint: ['http://m'] } } },
  });
  const both = await loadConfig(await files({ 'config.toml': `version = 2\n${cri}${own}` }), builtins);
  expect(both.of(transfer)).toMatchObject({ registry: { config_path: '/mine' } });
});

test('a wrong type is refused with file, table, key and what was wanted, in imported files too', async () => {
  expect(await refusal({ 'config.toml': 'version = 2\n[grpc]\nuid = "root"' })).toBe(
    './config.toml: grpc: uid: wanted a whole number from 0 to 4294967294, got "root": invalid argument',
  );
  expect(
    await refusal({
      'config.toml': 'version = 2\nimports = ["b.toml"]',
      'b.toml': '[plugins."io.containerd.internal.v1.restart"]\ninterval = 3',
    }),
  ).toBe(
    './b.toml: plugins."io.containerd.internal.v1.restart": interval: wanted a duration such as "10s" or "1m30s", got 3: invalid argument',
  );
  expect(await refusal({ 'config.toml': 'version = 2\n[stream_processors.x]\nargs = "a"' })).toBe(
    './config.toml: stream_processors.x: args: wanted an array, each element a string, got "a": invalid argument',
  );
  expect(await refusal({ 'config.toml': 'version = 2\nplugins = 3' })).toBe(
    './config.toml: plugins: wanted a table, got 3: invalid argument',
  );
  expect(await refusal({ 'config.toml': 'version = 2\n[proxy_plugins.x]\ntype = "teapot"' })).toContain(
    './config.toml: proxy_plugins.x: type: wanted ',
  );
  expect(await refusal({ 'config.toml': 'version = 2\n[debug]\nlevel = "loud"' })).toContain(
    './config.toml: debug: level: wanted ',
  );
});

test('files that are no configuration are refused with the place', async () => {
  expect(await refusal({ 'config.toml': 'version = 2\nroot = \n' })).toMatch(
    /^\.\/config\.toml: line 2, column \d+: .*invalid argument$/,
  );
  expect(await refusal({ 'config.toml': 'version = 5' })).toBe(
    './config.toml: version: wanted a version from 1 to 4, got 5: invalid argument',
  );
  expect(await refusal({ 'config.toml': 'version = "2"' })).toBe(
    './config.toml: version: wanted a version from 1 to 4, got "2": invalid argument',
  );
  expect(await refusal({ 'config.toml': 'version = 2\nimports = "x"' })).toBe(
    './config.toml: imports: wanted an array, each element a string, got "x": invalid argument',
  );
  expect(await refusal({ 'config.toml': 'version = 2\nimports = ["gone.toml"]' })).toMatch(/gone\.toml.*not found$/);
  expect(await refusal({ 'config.toml': 'version = 2\ndisabled_plugins = ["cri"]' })).toContain(
    "disabled_plugins: wanted a plugin's full name",
  );
});

test('a plugin module is imported by path; one that exports no plugin is refused', async () => {
  const source = `import { definePlugin } from '${join(import.meta.dirname, '../../core/plugin/plugin.ts')}';
    export default definePlugin({ slot: { uri: 'io.test.v1', perPlatform: false }, id: 'mine', start: () => ({}) });`;
  const config = await loadConfig(
    await files({ 'config.toml': 'version = 3\nplugin_modules = ["mine.ts"]', 'mine.ts': source }),
    builtins,
  );
  expect(config.plugins.at(-1)).toMatchObject({ uri: 'io.test.v1', id: 'mine' });
  expect(await refusal({ 'config.toml': 'version = 3\nplugin_modules = ["x.ts"]', 'x.ts': 'export default 1' })).toBe(
    './config.toml: plugin_modules: ./x.ts: its default export is no plugin: invalid argument',
  );
  expect(await refusal({ 'config.toml': 'version = 3\nplugin_modules = ["gone.ts"]' })).toContain(
    './config.toml: plugin_modules: ./gone.ts',
  );
});

test('the schema and the reference page know every plugin', () => {
  const config = defaultConfig(builtins);
  expect(configSchema(config)).toMatchObject({
    properties: {
      plugins: {
        properties: { 'io.containerd.gc.v1.scheduler': { properties: { mutation_threshold: { type: 'integer' } } } },
      },
    },
  });
  expect(formatConfigReference(config)).toContain("### `[plugins.'io.containerd.gc.v1.scheduler']`");
});
