import { setTimeout as wait } from 'node:timers/promises';
import { invalidArgument } from './errors.ts';

/**
 * Every place between two durable steps at which a test can end or stop the daemon, and what is done and not done there. `scripts/docs.ts` prints the
 * table; `test/robustness/failpoints.root.test.ts` kills a daemon at each.
 */
export const failpoints = {
  'content.ingest.directory': 'An ingest has its directory, and no name yet.',
  'content.ingest.made': "An ingest's files are made, and no byte was written.",
  'content.write.chunk': 'Some bytes of an ingest are written, and were not acknowledged.',
  'content.commit.synced': "An ingest's bytes are on disk, still under its own name.",
  'content.commit.renamed': 'A blob has its place, which may not survive a power cut yet.',
  'content.commit.published':
    'A blob is in its place for good; the rest of its ingest is there, and no namespace has it.',
  'content.delete.unlinked': 'The file of a blob was removed.',
  'content.abort.removing': 'An ingest that nobody wants is about to be removed.',
  'metadata.transaction.open': 'All statements of a change were run, and none of it holds.',
  'metadata.transaction.committed': 'A change holds, and may not survive a power cut yet.',
  'metadata.transaction.durable': 'A change is on disk, and was neither acknowledged nor announced.',
  'metadata.ingest.entered': 'A namespace has an ingest that the content store has not.',
  'metadata.content.stored': 'The content store has a blob, and the namespace does not.',
  'metadata.snapshot.planned': 'A snapshot was allowed; the snapshotter was not asked.',
  'metadata.snapshot.made': 'The snapshotter has a snapshot, and the namespace has not.',
  'metadata.commit.intended': 'The intention to commit a snapshot was noted; the snapshotter was not asked.',
  'metadata.commit.made': 'The snapshotter has committed, and the namespace does not know.',
  'gc.marked': 'A collection knows what is garbage, and has removed nothing.',
  'gc.swept': 'Some rows of garbage are gone; others, and all files, are there.',
  'gc.doomed.taken': 'Removals were taken off the list, and not done.',
  'gc.snapshot.removed': "A snapshot is out of the snapshotter's records; its directory is there.",
  'snapshot.directory.made': 'A new snapshot has its directory, and no record.',
  'snapshot.record.written': 'A new snapshot has a record, which may not survive a power cut yet.',
  'snapshot.commit.synced': 'The tree of a snapshot is on disk; its record is still that of an active one.',
  'snapshot.commit.written': 'A snapshot has the record of a committed one, which may not survive a power cut yet.',
  'snapshot.remove.written': "A snapshot's record is gone, which may not survive a power cut yet.",
  'snapshot.directory.removing': 'The directory of a snapshot that is gone is about to be removed.',
  'snapshot.copied': 'The copy of a tree is made, and not on disk (native only).',
  'transfer.lease.made': 'A transfer has its lease, and nothing else.',
  'transfer.layer.applied': 'A layer is in its directory, and its snapshot is active.',
  'transfer.layer.committed': 'A layer has its snapshot; the blob does not say so.',
  'transfer.unpacked': 'All layers are unpacked; the configuration does not refer to them.',
  'transfer.named': 'An image has its name; the lease of its transfer is there.',
  'transfer.lease.deleting': 'The lease of a transfer is about to go.',
  'bundle.directory.made': 'A bundle has its directory, and nothing in it.',
  'bundle.made': 'A bundle is whole, and no shim knows of it.',
  'bundle.remove.renamed': 'A bundle has lost its name; its files are there.',
  'bundle.removed': 'A bundle is gone; its work directory is there.',
  'task.shim.started': 'A shim runs, and the bundle does not say where it listens.',
  'task.shim.noted': 'A shim runs and can be found; its container was not made.',
  'task.created': 'A container is made, and nobody was told.',
  'task.deleted': 'The shim has deleted its container; shim and bundle are there.',
  'task.shim.ended': 'The shim of a deleted container has ended; its bundle is there.',
  'sandbox.created': 'The shim has a sandbox, and its bundle does not say that it was acknowledged.',
  'sandbox.started': 'A sandbox runs and was announced; its bundle does not say so.',
  'sandbox.ended': 'The shim of a sandbox has ended, and nobody was told.',
  'sandbox.told': 'The end of a sandbox was announced; its bundle does not say so.',
  'mount.noted': 'The record of mounts to be made is written; none is made.',
  'mount.made': 'Mounts are made; their record says that they are not whole.',
  'mount.undoing': 'The record says that mounts are being taken down; all are there.',
  'mount.undone': 'Mounts are taken down; their record is there.',
} as const satisfies Readonly<Record<string, string>>;

export type FailpointName = keyof typeof failpoints;

export type FailpointAction =
  | { readonly do: 'kill' | 'error' | 'pause' }
  | { readonly do: 'delay'; readonly ms: number };

interface Armed {
  readonly action: FailpointAction;
  /** The only time at which it acts; 0 for every time. */
  readonly time: number;
  seen: number;
}

const variable = 'BERTH_FAILPOINTS';

/**
 * Reads `name=action[:time];…`: `kill`, `error`, `delay(<ms>)`, `pause` (until SIGCONT); with `:<n>` only the n-th time.
 *
 * @throws invalid_argument for an unknown name or action
 */
export function parseFailpoints(text: string): ReadonlyMap<FailpointName, { action: FailpointAction; time: number }> {
  const found = new Map<FailpointName, { action: FailpointAction; time: number }>();
  for (const part of text.split(';').filter((each) => each.trim() !== '')) {
    const [, name = '', word = '', ms, time = '0'] =
      /^\s*([\w.]+)=(kill|error|pause|delay)(?:\((\d{1,9})\))?(?::([1-9]\d{0,8}))?\s*$/.exec(part) ?? [];
    if (!Object.hasOwn(failpoints, name) || (word === 'delay') !== (ms !== undefined))
      throw invalidArgument(`${variable}: ${JSON.stringify(part)}: wanted NAME=kill|error|pause|delay(MS)[:TIME]`);
    const action =
      word === 'delay' ? { do: 'delay' as const, ms: Number(ms) } : { do: word as 'kill' | 'error' | 'pause' };
    found.set(name as FailpointName, { action, time: Number(time) });
  }
  return found;
}

/**
 * `await failpoint?.('name')` between two durable steps. Undefined unless the environment names failpoints: then a point costs the test of
 * a constant, and the `await` a turn of the microtasks.
 *
 * @throws internal where the environment says `error`
 */
export const failpoint = process.env[variable] ? reach : undefined;

/** The same where nothing may be waited for: a delay holds the thread. */
export const failpointNow = process.env[variable] ? reachNow : undefined;

/** For the start of a daemon: what is armed, in words. @throws as `parseFailpoints` */
export const armedFailpoints = (): readonly string[] => [...armed().keys()];

let known: ReadonlyMap<FailpointName, Armed> | undefined;

function armed(): ReadonlyMap<FailpointName, Armed> {
  if (known === undefined) {
    const parsed = parseFailpoints(process.env[variable] ?? '');
    known = new Map([...parsed].map(([name, each]) => [name, { ...each, seen: 0 }]));
  }
  return known;
}

async function reach(name: FailpointName): Promise<void> {
  const action = due(name);
  if (action?.do === 'delay') await wait(action.ms);
  else if (action !== undefined) act(name, action.do);
}

function reachNow(name: FailpointName): void {
  const action = due(name);
  if (action?.do === 'delay') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, action.ms);
  else if (action !== undefined) act(name, action.do);
}

function due(name: FailpointName): FailpointAction | undefined {
  const point = armed().get(name);
  if (point === undefined) return undefined;
  point.seen++;
  return point.time === 0 || point.time === point.seen ? point.action : undefined;
}

function act(name: FailpointName, word: 'kill' | 'error' | 'pause'): void {
  if (word === 'error') throw new Error(`failpoint ${name}`);
  process.kill(process.pid, word === 'kill' ? 'SIGKILL' : 'SIGSTOP');
}
