import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxImage } from '#test/support/busybox-image';
import { startDaemon } from '#test/support/daemon';
import { forgetNamespace } from '#test/support/nothing-left';
import { writeOciArchive } from '#test/support/oci-archive';
import { PeerContainerd } from '#test/support/peer-containerd';
import { eventsOf, image } from '../differential/events.ts';
import { debian, unstable, type Walked } from './walk.ts';

/** The same work by both ctrs at containerd 2.1.9 and at ours: the same events, in the same order. A check for each event. */
export async function walkEvents(): Promise<Walked> {
  await using theirs = await PeerContainerd.start({ bin: unstable.bin });
  await using ours = await startDaemon({ built: true });
  const archive = join(ours.directory, 'image.tar');
  writeOciArchive(archive, image, { 'linux/amd64': busyboxImage() });
  const failed: string[] = [];
  let succeeded = 0;
  for (const client of [debian, unstable]) {
    const namespace = `matrix-events-${client === debian ? 'old' : 'new'}-${process.pid}`;
    const work = { ctr: join(client.bin, 'ctr'), archive, namespace, snapshotter: 'overlayfs', asBefore: false };
    const wanted = await eventsOf(theirs, work);
    const heard = await eventsOf(ours, work);
    const expected = client === unstable ? withoutArchiveIndex(wanted, heard) : wanted;
    for (let at = 0; at < Math.max(expected.length, heard.length); at++) {
      if (expected[at] === heard[at]) succeeded++;
      else failed.push(`not ok ${client.name}: theirs ${expected[at] ?? 'nothing'}, ours ${heard[at] ?? 'nothing'}`);
    }
    rmSync(`/run/containerd/runc/${namespace}`, { recursive: true, force: true }); // where runc had its containers
    forgetNamespace(namespace);
  }
  return { succeeded, failed };
}

/** An import by theirs stores the archive's own index, too, which nothing refers to and the next collection takes. */
function withoutArchiveIndex(wanted: readonly string[], heard: readonly string[]): readonly string[] {
  const at = wanted.findIndex((line, index) => line !== heard[index]);
  return wanted[at]?.startsWith('/content/create ') === true ? wanted.toSpliced(at, 1) : wanted;
}
