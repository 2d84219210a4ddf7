import { parentPort } from 'node:worker_threads';
import { answerOf, type UntarJob } from './unpack-messages.ts';
import { untarLayer } from './untar-layer.ts';

// Runs in a thread of its own: see unpack-threads.ts.
parentPort?.on('message', (job: UntarJob) => {
  parentPort?.postMessage(answerOf(() => untarLayer(job)));
});
