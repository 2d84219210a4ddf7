import { invalidArgument } from '#base/errors';
import { rootSnapshot } from '#client/unpacked';
import { onlyPlatform, parsePlatform } from '#lib/platform';
import { mountAll, unmountAll } from '#sys/mount';
import { flag, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';

const snapshotter = text('snapshotter name. Empty value stands for the default value.', {
  env: 'CONTAINERD_SNAPSHOTTER',
});

export const mount = command({
  name: 'mount',
  summary: 'mount an image to a target path',
  args: '[flags] <ref> <target>',
  description: 'Mount an image rootfs to a specified path.\n\nWhen you are done, use the unmount command.\n',
  flags: {
    snapshotter,
    rw: flag('Enable write support on the mount'),
    platform: text('Mount the image for the specified platform', { default: 'linux/amd64' }),
  },
  run: async ({ client, scope }, { io, args: [name, target], flags }) => {
    if (name === undefined || name === '') throw invalidArgument('please provide an image reference to mount');
    if (target === undefined || target === '') throw invalidArgument('please provide a target path to mount to');
    await using lease = await client.lease(scope);
    const image = await client.images.get(lease.scope, name);
    const root = await rootSnapshot(client, lease.scope, image.target, onlyPlatform(parsePlatform(flags.platform)));
    const store = await client.snapshotter(scope, flags.snapshotter);
    const labels = { 'containerd.io/gc.root': new Date().toISOString().replace(/\.\d+Z$/, 'Z') };
    const mounts = await store[flags.rw ? 'prepare' : 'view'](lease.scope, target, root, { labels });
    try {
      await mountAll(mounts, target);
    } catch (thrown) {
      await store.remove(scope, target);
      throw thrown;
    }
    await printLine(io, root);
    await printLine(io, target);
    return 0;
  },
});

export const unmount = command({
  name: 'unmount',
  summary: 'unmount the image from the target',
  args: '[flags] <target>',
  description: 'Unmount the image rootfs from the specified target.',
  flags: { snapshotter, rm: flag('remove the snapshot after a successful unmount') },
  run: async ({ client, scope }, { io, args: [target], flags }) => {
    if (target === undefined || target === '') throw invalidArgument('please provide a target path to unmount from');
    await unmountAll(target);
    if (flags.rm) await (await client.snapshotter(scope, flags.snapshotter)).remove(scope, target);
    await printLine(io, target);
    return 0;
  },
});
