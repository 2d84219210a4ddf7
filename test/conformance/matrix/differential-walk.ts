import { setTimeout as wait } from 'node:timers/promises';
import { Containers } from '#api/services/containers/v1/containers_pb';
import { openTransport } from '#rpc/transport';
import { startDaemon } from '#test/support/daemon';
import { PeerContainerd } from '#test/support/peer-containerd';
import { type Answer, answerTo, type Step, step } from '../differential/call.ts';
import { collection } from '../differential/collection.ts';
import { containers } from '../differential/containers.ts';
import { content } from '../differential/content.ts';
import { images } from '../differential/images.ts';
import { later } from '../differential/later.ts';
import { leases } from '../differential/leases.ts';
import { namespaces } from '../differential/namespaces.ts';
import { snapshots } from '../differential/snapshots.ts';
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
  const failed: string[] = [];
  let succeeded = 0;
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
      if (difference === '') succeeded++;
      else failed.push(`not ok ${name} ${index} ${each.title}: ${difference}`);
    }
  }
  return { succeeded, failed };
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
