import { invalidArgument } from '#base/errors';
import { sealedView } from '#client/sealed-view';
import type { Mount } from '#core/mount';
import { flag, list, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { parseLabels } from '../output.ts';
import { chosenSnapshotter } from './session.ts';

const chunk = 1 << 20;

export default command({
  name: 'diff',
  summary: "get the diff of two snapshots. the default second snapshot is the first snapshot's parent.",
  args: '[flags] <idA> [<idB>]',
  completes: ['snapshots', 'snapshots'],
  flags: {
    'media-type': text('media type to use for creating diff', {
      default: 'application/vnd.oci.image.layer.v1.tar+gzip',
    }),
    ref: text('content upload reference to use'),
    keep: flag('keep diff content. up to creator to delete it.'),
    label: list('labels to attach to the image'),
  },
  run: async (session, { io, args: [idA, idB], flags, globals }) => {
    if (idA === undefined || idA === '') throw invalidArgument('snapshot id must be provided');
    await using lease = await session.client.lease(session.scope);
    const snapshotter = await chosenSnapshotter(session, globals);
    const scope = lease.scope;
    const newer = idB ?? idA;
    const older = idB === undefined ? (await snapshotter.stat(scope, idA)).parent : idA;
    await using lower = older === '' ? nothing() : await sealedView(snapshotter, scope, older);
    await using upper = await sealedView(snapshotter, scope, newer);
    const root = flags.keep ? { 'containerd.io/gc.root': new Date().toISOString().replace(/\.\d+Z$/, 'Z') } : {};
    const layer = await session.client.differ.compare(scope, lower.mounts, upper.mounts, {
      mediaType: flags['media-type'],
      labels: { ...parseLabels(flags.label), ...root },
      ...(flags.ref === '' ? {} : { ref: flags.ref }),
    });
    await using blob = await session.client.content.open(scope, layer.digest);
    for (let offset = 0; offset < blob.size; ) {
      const bytes = await blob.read(offset, chunk);
      await io.stdout.write(bytes);
      offset += bytes.length;
    }
    return 0;
  },
});

const nothing = (): AsyncDisposable & { readonly mounts: readonly Mount[] } => ({
  mounts: [],
  [Symbol.asyncDispose]: async () => {},
});
