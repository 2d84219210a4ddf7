import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { ensureFifo, openFifo, readFifo } from '#sys/fifo';
import type { Bundle } from './bundle.ts';
import type { ShimHost } from './environment.ts';

/**
 * Follows the fifo `log` of a bundle, which must have a reader before its shim starts: what the shim writes there goes to the daemon's
 * standard error, until the shim has ended or the result is disposed.
 */
export function followLog(env: Pick<ShimHost, 'log'>, bundle: Bundle): Disposable {
  const path = join(bundle.path, 'log');
  ensureFifo(path, 0o700);
  const stop = new AbortController();
  void copy(openFifo(path, 'read'), stop.signal).catch((error) => {
    if (!stop.signal.aborted)
      env.log.warn('the log of a shim is lost', { id: bundle.id, namespace: bundle.namespace, error });
  });
  return { [Symbol.dispose]: () => stop.abort() };
}

async function copy(fd: number, signal: AbortSignal): Promise<void> {
  try {
    for await (const bytes of readFifo(fd, { signal, keepAlive: false })) process.stderr.write(bytes);
  } finally {
    closeSync(fd);
  }
}
