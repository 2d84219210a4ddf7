import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { forgetNamespace } from '#test/support/nothing-left';
import { DebianContainerd } from '../bench/debian-containerd.ts';
import { busyboxImage } from '../support/busybox-image.ts';
import { startDaemon } from '../support/daemon.ts';
import { writeOciArchive } from '../support/oci-archive.ts';
import { eventsOf, image } from './differential/events.ts';

// What Debian's ctr does makes the same events at Debian's containerd and at ours: topics, types, payloads and their order.

const namespace = `events-${process.pid}`;

test('the same work makes the same events', async () => {
  const directory = mkdtempSync('/dev/shm/berth-events-');
  try {
    const archive = join(directory, 'image.tar');
    writeOciArchive(archive, image, { 'linux/amd64': busyboxImage() });
    await using ours = await startDaemon({ parent: '/dev/shm' });
    await using theirs = await DebianContainerd.start('/dev/shm');
    const work = { ctr: '/usr/bin/ctr', archive, namespace, snapshotter: 'native', asBefore: true };
    const wanted = await eventsOf(theirs, work);
    const heard = await eventsOf(ours, work);
    // Later releases tell what a collection takes, 1.6 does not.
    const collected = heard.findIndex((line) => /^.snapshot.remove .*"key":"sha256:/.test(line));
    expect(heard[collected + 1]).toBe(`# images rm --sync ${image}`);
    expect(heard.toSpliced(collected, 1)).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(50);
  } finally {
    rmSync(directory, { recursive: true });
    rmSync(`/run/containerd/runc/${namespace}`, { recursive: true, force: true }); // where runc had its containers
    forgetNamespace(namespace);
  }
}, 120_000);
