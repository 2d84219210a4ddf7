import { constants, openSync, readSync, writeSync } from 'node:fs';
import { sleep } from '#base/cancellation';
import { addon } from './addon.ts';
import { untilReadable, untilWritable, type WaitOptions } from './wait.ts';

/** @throws EEXIST */
export const makeFifo = (path: string, mode = 0o600): void => addon.mkfifo(path, mode);

/** Makes it, or is content when something of that name is there. */
export function ensureFifo(path: string, mode = 0o600): void {
  try {
    addon.mkfifo(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Opens a fifo without waiting for the other end. `read`: only to be read by `readFifo`, which tells "no writer yet" from
 * "the last writer has gone". `hold`: both ways, so that neither end ever sees the other leave. `write` needs a reader now.
 * The caller closes it. @throws ENOENT; ENXIO from `write` without a reader
 */
export function openFifo(path: string, how: 'read' | 'write' | 'hold'): number {
  const way = how === 'read' ? constants.O_RDONLY : how === 'write' ? constants.O_WRONLY : constants.O_RDWR;
  return openSync(path, way | constants.O_NONBLOCK);
}

/** Opens for writing as soon as somebody reads; asks again every 10 ms. @throws canceled */
export async function openFifoForWriting(path: string, signal: AbortSignal): Promise<number> {
  for (;;) {
    try {
      return openFifo(path, 'write');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
    }
    await sleep(10, signal);
  }
}

/**
 * Everything that is written to a non-blocking descriptor (fifo, pipe, socket, terminal) until its end: for a fifo, until a
 * writer has come and the last one has gone. Each chunk is the consumer's to keep. Leaves the descriptor open. @throws canceled
 */
export async function* readFifo(fd: number, options?: WaitOptions): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const room = new Uint8Array(65536);
  for (;;) {
    await untilReadable(fd, options);
    // Several reads for one wait; a full pipe is 64 KiB, and other work must get its turn.
    for (let turn = 0; turn < 16; turn++) {
      const got = tryRead(fd, room);
      if (got === 0) return;
      if (got < 0) break;
      yield room.slice(0, got);
    }
  }
}

/** Writes all of it, waiting whenever the other end is slow. @throws EPIPE when nobody reads any more; canceled */
export async function writeFifo(fd: number, data: Uint8Array, options?: WaitOptions): Promise<void> {
  for (let at = 0; at < data.length; ) {
    try {
      at += writeSync(fd, data, at, data.length - at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await untilWritable(fd, options);
    }
  }
}

/** How many bytes can be read now without waiting. */
export const readableBytes = (fd: number): number => addon.readableBytes(fd);

/** -1: nothing now; 0: the end. A terminal whose last user has gone says EIO. */
function tryRead(fd: number, room: Uint8Array): number {
  try {
    return readSync(fd, room, 0, room.length, null);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') return -1;
    if (code === 'EIO') return 0;
    throw error;
  }
}
