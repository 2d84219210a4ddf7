import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Containers } from '#api/services/containers/v1/containers_pb';
import { openTransport } from '#rpc/transport';
import { busyboxImage } from '#test/support/busybox-image';
import { startDaemon } from '#test/support/daemon';
import { forgetNamespace } from '#test/support/nothing-left';
import { writeOciArchive } from '#test/support/oci-archive';
import { PeerContainerd } from '#test/support/peer-containerd';
import { type Answer, answerTo, type Step, step } from '../differential/call.ts';
import { collection } from '../differential/collection.ts';
import { containers } from '../differential/containers.ts';
import { content } from '../differential/content.ts';
import { compareFilters } from '../differential/filters.ts';
import { images } from '../differential/images.ts';
import { later } from '../differential/later.ts';
import { leases } from '../differential/leases.ts';
import { namespaces } from '../differential/namespaces.ts';
import { snapshots } from '../differential/snapshots.ts';
import { beginTaskLife, taskLife } from '../differential/task-life.ts';
import { others, tasks } from '../differential/tasks.ts';
import { unstable, type Walked } from './walk.ts';

const tables = { namespaces, leases, images, content, snapshots, containers, tasks, others, later, collection };

interface Meant {
  readonly code: number;
  readonly because: string;
  /** What undoes at theirs what only theirs did. */
  readonly undo?: Step;
}

/** Where ours means to answer otherwise than containerd 2.x, but as 1.6 does, or did. */
const meant: Readonly<Record<string, Meant>> = {
  'Containers.Create: no spec': {
    code: 3,
    because: 'theirs looks for one, but takes an absent one for a present one; nothing can run without',
    undo: step('', Containers.method.delete, { id: 'c' }),
  },
  'Containers.Update: no spec': { code: 3, because: 'as for a new one' },
  'Events.Forward: no time': { code: 3, because: 'theirs takes no time for 1970, and means to refuse it' },
};

/** The calls of test/conformance/differential at containerd 2.1.9 and at ours; a check for each. */
export async function walkDifferential(): Promise<Walked> {
  await using theirs = await PeerContainerd.start({ bin: unstable.bin });
  await using ours = await startDaemon({ built: true });
  using toThem = openTransport(theirs.address);
  using toUs = openTransport(ours.address);
  const tally = new Tally();
  for (const [name, steps] of Object.entries(tables)) {
    for (const [index, each] of (steps as readonly Step[]).entries()) {
      const them = await answerTo(toThem, each, theirs.directory);
      const us = await answerTo(toUs, each, ours.directory);
      // Some requests that leave something out end theirs: it must be there for the next.
      const ended = them.code === unavailable && !(await answers(theirs));
      if (ended) await theirs.start();
      const exception = meant[each.title];
      if (exception?.undo !== undefined) await answerTo(toThem, exception.undo, theirs.directory);
      const difference = ended && us.code !== unavailable ? '' : differenceOf(exception ?? each.ours, them, us);
      tally.add(`${name} ${index} ${each.title}`, difference);
    }
  }
  const { different, outcomes } = await compareFilters(toThem, toUs);
  for (const line of different) tally.add('filters by chance', line);
  tally.add('filters by chance choose', outcomes.size > 6 ? '' : `only ${outcomes.size} different answers`);
  await compareLives(tally, theirs, ours);
  return tally;
}

class Tally implements Walked {
  readonly failed: string[] = [];
  succeeded = 0;

  add(title: string, difference: string): void {
    if (difference === '') this.succeeded++;
    else this.failed.push(`not ok ${title}: ${difference}`);
  }
}

interface Addressed {
  readonly address: string;
  readonly directory: string;
}

/** The life of a task at each, one after the other: both would have the same container. */
async function compareLives(tally: Tally, theirs: Addressed, ours: Addressed): Promise<void> {
  const namespace = `matrix-${process.pid}`; // of this run: runtimes keep containers by namespace for the whole machine
  const image = 'example.com/a/busybox:v1';
  const archive = join(ours.directory, 'life.tar');
  writeOciArchive(archive, image, { 'linux/amd64': busyboxImage() });
  const steps = taskLife(namespace);
  const lives: Answer[][] = [];
  for (const { address, directory } of [theirs, ours]) {
    await beginTaskLife(address, namespace, archive, image);
    using transport = openTransport(address);
    const answers: Answer[] = [];
    for (const each of steps) answers.push(await answerTo(transport, each, directory));
    lives.push(answers);
  }
  const [them = [], us = []] = lives;
  for (const [index, each] of steps.entries())
    tally.add(`life ${index} ${each.title}`, differenceOf(each.ours, them[index] as Answer, us[index] as Answer));
  rmSync(`/run/containerd/runc/${namespace}`, { recursive: true, force: true }); // where runc had its containers
  forgetNamespace(namespace);
}

const unavailable = 14;

/** Whether it is still there: a panic takes a moment. */
async function answers(daemon: PeerContainerd): Promise<boolean> {
  for (let waited = 0; waited < 1000 && daemon.isRunning; waited += 20) await wait(20);
  return daemon.isRunning;
}

/** Empty where both answered the same, or ours as it means to. */
function differenceOf(exception: { readonly code: number } | undefined, them: Answer, us: Answer): string {
  const mine = them.ending === '' ? { ...us, ending: '' } : us; // without a phrase, the code is all that a client can go by
  if (Bun.deepEquals(them, mine) || us.code === exception?.code) return '';
  return `theirs ${JSON.stringify(them)}, ours ${JSON.stringify(mine)}`;
}
