import { parentPort } from 'node:worker_threads';
import { hashLayer } from './hash-layer.ts';
import { answerOf, type HashJob } from './unpack-messages.ts';

// Runs in a thread of its own: see unpack-threads.ts.
parentPort?.on('message', (job: HashJob) => {
  parentPort?.postMessage(answerOf(() => hashLayer(job)));
});
