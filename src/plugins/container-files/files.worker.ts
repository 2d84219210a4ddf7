import { closeSync, constants, openSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { classOf, fault, messageOf } from '#base/errors';
import { oPath } from '#sys/at';
import { type FilesJob, type FromThread, maxAhead, type ToThread } from './files-thread.ts';
import { packPath } from './pack.ts';
import { unpackInto } from './unpack.ts';

// Runs in a thread of its own: see files-thread.ts.

const say = (message: FromThread) => parentPort?.postMessage(message);
const signal = new AbortController().signal;
let taken = 0;
const arrived: ToThread[] = [];
let wake = () => {};

parentPort?.on('message', (message: ToThread) => {
  if (message.kind === 'job') void work(message.job);
  else {
    if (message.kind === 'taken') taken++;
    else arrived.push(message);
    wake();
  }
});

async function work(job: FilesJob): Promise<void> {
  try {
    const root = openSync(`/proc/self/fd/${job.root}`, oPath | constants.O_DIRECTORY);
    say({ kind: 'ready' });
    try {
      if (job.do === 'pack') await pack(root, job);
      else await unpackInto(root, job.path, bytes(), { ...job, signal });
    } finally {
      closeSync(root);
    }
    say({ kind: 'done' });
  } catch (error) {
    say({ kind: 'done', error: { class: classOf(error), message: messageOf(error) } });
  }
}

async function pack(
  root: number,
  { path, noWalk }: { readonly path: string; readonly noWalk: boolean },
): Promise<void> {
  let sent = 0;
  for await (const piece of gathered(packPath(root, path, { noWalk, signal }))) {
    while (sent - taken >= maxAhead) await woken();
    sent++;
    say({ kind: 'piece', bytes: piece });
  }
}

const pieceBytes = 256 * 1024;

/** Small outputs in pieces that are worth a message. */
async function* gathered(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const bytes of source) {
    waiting.push(bytes);
    length += bytes.length;
    if (length < pieceBytes) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(waiting);
}

async function* bytes(): AsyncGenerator<Uint8Array> {
  for (;;) {
    say({ kind: 'want' });
    while (arrived.length === 0) await woken();
    const message = arrived.shift();
    if (message?.kind === 'failed') throw fault('aborted', 'the archive did not come to its end');
    if (message?.kind !== 'bytes' || message.bytes === undefined) return;
    yield message.bytes;
  }
}

function woken(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  wake = resolve;
  return promise;
}
