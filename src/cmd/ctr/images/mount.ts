import { invalidArgument, isFault } from '#base/errors';
import { pull } from '#client/transfer';
import { isUnpacked, rootSnapshot } from '#client/unpacked';
import { manifestFor } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import { onlyPlatform, parsePlatform } from '#lib/platform';
import { mountAll } from '#sys/mount';
import { flag, list, text } from '../../cli/flags.ts';
import { type CtrInvocation, command, type Session } from '../globals.ts';
import { parseNewLabels, printLine } from '../output.ts';
import { snapshotterFlag } from '../snapshotter-flag.ts';
import { registryFlags, registryOptions } from './registry-flags.ts';

const flags = {
  ...registryFlags,
  snapshotter: snapshotterFlag,
  label: list('labels to attach to the image'),
  rw: flag('Enable write support on the mount'),
  platform: text('Mount the image for the specified platform', { default: 'linux/amd64' }),
  'sync-fs': flag('Synchronize the underlying filesystem containing files when unpack images, false by default'),
};

export default command({
  name: 'mount',
  summary: 'mount an image to a target path',
  args: '[flags] <ref> <target>',
  description:
    'Mount an image rootfs to a specified path. An image that is not here is fetched where a flag says how to reach its registry.\n\n' +
    '   When you are done, use the unmount command.',
  completes: ['images', 'directories'],
  flags,
  run: async (session, invocation) => {
    const {
      io,
      args: [name, target],
      flags: chosen,
    } = invocation;
    if (name === undefined || name === '') throw invalidArgument('please provide an image reference to mount');
    if (target === undefined || target === '') throw invalidArgument('please provide a target path to mount to');
    const { client, scope } = session;
    const platforms = onlyPlatform(parsePlatform(chosen.platform));
    await using lease = await client.lease(scope);
    const leased = { client, scope: lease.scope };
    const image = await labelled(leased, await imageOf(leased, name, invocation), chosen.label);
    if (!(await isUnpacked(client, lease.scope, image.target, platforms, chosen.snapshotter))) {
      const found = await manifestFor(client.content, lease.scope, image.target, platforms);
      await (await import('#client/unpack')).unpackImage(client, lease.scope, found, chosen.snapshotter, {
        syncFs: chosen['sync-fs'],
      });
    }
    const root = await rootSnapshot(client, lease.scope, image.target, platforms);
    const store = await client.snapshotter(scope, chosen.snapshotter);
    const labels = { 'containerd.io/gc.root': new Date().toISOString().replace(/\.\d+Z$/, 'Z') };
    const mounts = await store[chosen.rw ? 'prepare' : 'view'](lease.scope, target, root, { labels });
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

/** The image; fetched where it is not here and the user has said something of its registry. */
async function imageOf(
  { client, scope }: Session,
  name: string,
  { io, flags: chosen, given }: CtrInvocation<typeof flags>,
): Promise<Image> {
  try {
    return await client.images.get(scope, name);
  } catch (thrown) {
    const reachable = Object.keys(registryFlags).some((key) => given.has(key as keyof typeof registryFlags));
    if (!isFault(thrown, 'not_found') || !reachable) throw thrown;
  }
  await using registry = await registryOptions(io, name, chosen);
  const { snapshotter, 'sync-fs': syncFs } = chosen;
  return await pull(client, scope, name, {
    ...registry,
    platforms: [parsePlatform(chosen.platform)],
    snapshotter,
    syncFs,
  });
}

async function labelled({ client, scope }: Session, image: Image, words: readonly string[]): Promise<Image> {
  if (words.length === 0) return image;
  const labels = parseNewLabels(words);
  const fields = Object.keys(labels).map((key) => `labels.${key}`);
  return client.images.update(scope, { ...image, labels }, fields);
}
