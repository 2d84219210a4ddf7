import { afterAll, beforeAll, describe, test } from 'bun:test';
import { openTransport, type Transport } from '#rpc/transport';
import { DebianContainerd } from '../bench/debian-containerd.ts';
import { startDaemon, type TestDaemon } from '../support/daemon.ts';
import { answerTo, type Step } from './differential/call.ts';
import { collection } from './differential/collection.ts';
import { compare } from './differential/compare.ts';
import { containers } from './differential/containers.ts';
import { content } from './differential/content.ts';
import { images } from './differential/images.ts';
import { leases } from './differential/leases.ts';
import { namespaces } from './differential/namespaces.ts';
import { snapshots } from './differential/snapshots.ts';
import { others, tasks } from './differential/tasks.ts';

// The same calls, good and bad, to Debian's containerd and to ours: codes, messages and answers must be equal.

const tables: Readonly<Record<string, readonly Step[]>> = {
  namespaces,
  leases,
  images,
  content,
  snapshots,
  containers,
  tasks,
  others,
  collection,
};

const isolated = "[plugins.'io.containerd.metadata.v1.bolt']\ncontent_sharing_policy = 'isolated'";

describeAll('', tables);
describeAll(isolated, { 'content, isolated': content });

/** Both daemons with these tables in their configuration, and the calls one after the other. */
function describeAll(config: string, groups: Readonly<Record<string, readonly Step[]>>): void {
  describe(Object.keys(groups).join(' '), () => {
    let theirs: DebianContainerd;
    let ours: TestDaemon;
    const open: Transport[] = [];

    beforeAll(async () => {
      theirs = await DebianContainerd.start('/dev/shm', config);
      ours = await startDaemon({ parent: '/dev/shm', config });
      open.push(openTransport(theirs.address), openTransport(ours.address));
    }, 120_000);

    afterAll(async () => {
      for (const transport of open) transport[Symbol.dispose]();
      await theirs[Symbol.asyncDispose]();
      await ours[Symbol.asyncDispose]();
    });

    for (const [name, steps] of Object.entries(groups)) {
      for (const [index, step] of steps.entries()) {
        test(`${name} ${index} ${step.title}`, async () => {
          const [toThem, toUs] = open as [Transport, Transport];
          compare(step, await answerTo(toThem, step, theirs.directory), await answerTo(toUs, step, ours.directory));
        });
      }
    }
  });
}
