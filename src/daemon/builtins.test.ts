import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defer } from '#base/disposal';
import { pluginName } from '#core/plugin/plugin';
import { builtins } from './builtins.ts';
import { defaultConfig, loadConfig } from './config/load.ts';
import { formatDefaultConfig } from './config/print.ts';
import { orderPlugins } from './graph/order.ts';

test('the plugins have different names, no loop, and slots that somebody fills', () => {
  expect(orderPlugins(builtins).length).toBe(builtins.length);
  const filled = new Set(builtins.map(({ uri }) => uri));
  for (const plugin of builtins) {
    for (const { uri, id, mode } of Object.values(plugin.needs)) {
      if (mode !== 'one') continue;
      expect(filled.has(uri) ? 'filled' : `${pluginName(plugin)} needs ${uri}`).toBe('filled');
      if (id !== undefined) expect(builtins.map(pluginName)).toContain(`${uri}.${id}`);
    }
  }
});

test("what clients and configuration files know by containerd's names is there", () => {
  const names = builtins.map(pluginName);
  for (const id of [
    'containers',
    'content',
    'diff',
    'events',
    'healthcheck',
    'images',
    'introspection',
    'leases',
    'mounts',
    'namespaces',
    'snapshots',
    'tasks',
    'version',
  ]) {
    expect(names).toContain(`io.containerd.grpc.v1.${id}`);
  }
  for (const id of ['aufs', 'btrfs', 'devmapper', 'native', 'overlayfs', 'zfs'])
    expect(names).toContain(`io.containerd.snapshotter.v1.${id}`);
  expect(names).toEqual(
    expect.arrayContaining([
      'io.containerd.content.v1.content',
      'io.containerd.differ.v1.walking',
      'io.containerd.event.v1.exchange',
      'io.containerd.gc.v1.scheduler',
      'io.containerd.internal.v1.opt',
      'io.containerd.monitor.container.v1.restart',
      'io.containerd.metadata.v1.bolt',
      'io.containerd.monitor.task.v1.cgroups',
      'io.containerd.mount-handler.v1.loop',
      'io.containerd.mount-manager.v1.bolt',
      'io.containerd.runtime.v2.task',
      'io.containerd.service.v1.diff-service',
      'io.containerd.service.v1.tasks-service',
    ]),
  );
});

test('the printed default configuration is read back without a warning, and means the defaults', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-builtins-'));
  using _ = defer(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'config.toml');
  writeFileSync(path, formatDefaultConfig(defaultConfig(builtins)));
  const loaded = await loadConfig(path, builtins);
  expect(loaded.warnings).toEqual([]);
  for (const plugin of builtins) expect(loaded.of(plugin)).toEqual(plugin.config.fallback);
});
