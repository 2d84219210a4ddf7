import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '#base/log';
import type { DaemonInfo } from '#core/plugin/daemon-info';
import { type AnyPlugin, SkipPlugin } from '#core/plugin/plugin';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import { scope } from '#core/snapshots/snapshotter.suite';
import { faultOf } from '#core/subject';
import aufs, { aufsReason } from './aufs.ts';
import btrfs from './btrfs/btrfs.ts';
import devmapper from './devmapper.ts';
import native from './native/native.ts';
import overlayfs from './overlayfs/overlayfs.ts';
import zfs, { zfsReason } from './zfs.ts';

interface Started {
  readonly value?: Snapshotter;
  readonly error?: unknown;
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
}

async function start(plugin: AnyPlugin, root: string, config: object = {}): Promise<Started> {
  const exports: Record<string, string> = {};
  let capabilities: readonly string[] = [];
  const context = {
    config: { ...(plugin.config.fallback as object), ...config },
    rootDir: join(root, plugin.id),
    stateDir: join(root, `${plugin.id}-state`),
    signal: new AbortController().signal,
    log: silent,
    daemon: {} as DaemonInfo,
    setExport(name: string, value: string) {
      exports[name] = value;
    },
    setCapabilities(given: readonly string[]) {
      capabilities = given;
    },
    answerQuestions: () => {},
    setPlatforms: () => {},
  };
  try {
    const value = (await plugin.start(context, {})) as Snapshotter;
    return { value, exports, capabilities };
  } catch (error) {
    return { error, exports, capabilities };
  }
}

test('those that cannot work here say why, and show where they would have been', async () => {
  const root = mkdtempSync('/dev/shm/berth-plugins-');
  const seen: Record<string, unknown[]> = {};
  for (const plugin of [aufs, zfs, btrfs, devmapper]) {
    const { error, exports } = await start(plugin, root);
    seen[plugin.id] = [error instanceof SkipPlugin, (error as Error).message.replaceAll(root, ''), exports.root];
  }
  expect(seen).toEqual({
    aufs: [true, 'aufs is not supported (the kernel does not have it)', join(root, 'aufs')],
    zfs: [true, 'path /zfs must be a zfs filesystem to be used with the zfs snapshotter', join(root, 'zfs')],
    btrfs: [
      true,
      'path /btrfs (tmpfs) must be a btrfs filesystem to be used with the btrfs snapshotter',
      join(root, 'btrfs'),
    ],
    devmapper: [true, 'devmapper not configured', undefined],
  });
  const { error } = await start(devmapper, root, { pool_name: 'x' });
  expect(await faultOf(Promise.reject(error))).toBe('not_implemented');
  expect(aufsReason('nodev\taufs\n')).toContain('this kernel has it');
  expect(zfsReason('/x', 'zfs')).toContain('is on zfs');
  rmSync(root, { recursive: true });
});

test('overlayfs and native start, in another directory too, and overlayfs takes mount options', async () => {
  const root = mkdtempSync('/dev/shm/berth-plugins-');
  const plain = await start(overlayfs, root);
  expect([plain.exports.root, plain.capabilities]).toEqual([join(root, 'overlayfs'), ['rebase', 'only-remap-ids']]);
  const config = { root_path: join(root, 'else/where'), mount_options: ['volatile', 'index=on'], slow_chown: true };
  const other = await start(overlayfs, root, config);
  expect([other.exports.root, other.capabilities]).toEqual([config.root_path, ['rebase']]);
  const store = other.value as Snapshotter;
  await store.prepare(scope, 'a', '');
  await store.commit(scope, 'A', 'a');
  const [mount] = await store.prepare(scope, 'b', 'A');
  expect(mount?.options.slice(-2)).toEqual(['volatile', 'index=on']);
  const copies = await start(native, root);
  expect(copies.exports.root).toBe(join(root, 'native'));
  const refused = await start(overlayfs, root, { root_path: join(root, 'r'), mount_options: ['nonsense'] });
  expect(refused.error).toBeInstanceOf(SkipPlugin);
  for (const { value } of [plain, other, copies]) await value?.[Symbol.asyncDispose]?.();
  rmSync(root, { recursive: true });
});
