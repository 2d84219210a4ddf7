import { parentPort } from 'node:worker_threads';
import { inflateLayer } from './inflate-layer.ts';
import { answerOf, type InflateJob } from './unpack-messages.ts';

// Runs in a thread of its own: see unpack-threads.ts.
parentPort?.on('message', (job: InflateJob) => {
  parentPort?.postMessage(answerOf(() => inflateLayer(job)));
});
