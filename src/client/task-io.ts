import { closeSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stdio } from '#core/runtime/runtime';
import { ensureFifo, openFifo, readFifo, writeFifo } from '#sys/fifo';

/** Where a process's streams go on the client's side. Absent: nowhere. */
export interface Streams {
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly stdout?: (bytes: Uint8Array) => Promise<void>;
  /** Not with a terminal: it has one stream only. */
  readonly stderr?: (bytes: Uint8Array) => Promise<void>;
}

export interface TaskIoOptions {
  readonly terminal: boolean;
  /** Where the fifos' directory is made; containerd's own place when absent. */
  readonly fifoDir?: string;
  /** The process outlives its client: the fifos stay when this is disposed. */
  readonly keep?: boolean;
}

/**
 * The client's side of a process's standard streams. Made before the process, so that nothing it says is lost; disposing stops all
 * copying and removes the fifos.
 */
export interface TaskIo extends AsyncDisposable {
  /** What to tell the daemon. */
  readonly stdio: Stdio;
  /** Begins to hand on the input: once the shim holds the other end. At its end `closed` is called, so that the shim lets go too. */
  startInput(closed: () => Promise<void>): void;
  /** Settles when all output is copied: the process and all that share its streams have gone. */
  readonly drained: Promise<void>;
}

const drop = async (): Promise<void> => {};
const defaultFifoDir = '/run/containerd/fifo';

/** No streams at all. */
export const nullIo = (): TaskIo => uriIo('');

/** Output goes where a URI says, by the shim's hand (`file://`, `binary://`); there is no input. */
export function uriIo(uri: string): TaskIo {
  return {
    stdio: { stdin: '', stdout: uri, stderr: uri, terminal: false },
    startInput: () => {},
    drained: Promise.resolve(),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Streams through fifos in a new directory. @throws when they cannot be made */
export async function fifoIo(id: string, streams: Streams, options: TaskIoOptions): Promise<TaskIo> {
  const parent = options.fifoDir || defaultFifoDir;
  await mkdir(parent, { recursive: true, mode: 0o711 });
  const directory = await mkdtemp(`${parent}/`);
  const any = Object.values(streams).some((stream) => stream !== undefined);
  // Some shims fail when one of the outputs is missing and the other is not: what nobody wants is read and dropped.
  const wanted = { stdin: streams.stdin !== undefined, stdout: any, stderr: any && !options.terminal };
  const path = (name: keyof typeof wanted) => (wanted[name] ? join(directory, `${id}-${name}`) : '');
  const stdio: Stdio = {
    stdin: path('stdin'),
    stdout: path('stdout'),
    stderr: path('stderr'),
    terminal: options.terminal,
  };
  for (const fifo of [stdio.stdin, stdio.stdout, stdio.stderr]) if (fifo !== '') ensureFifo(fifo, 0o700);
  return joined(stdio, { stdout: drop, stderr: drop, ...streams }, async () =>
    options.keep ? undefined : rm(directory, { recursive: true, force: true }),
  );
}

/** Streams through the fifos that an existing process has already (`attach`); they stay when this is disposed. */
export const existingIo = (stdio: Stdio, streams: Streams): TaskIo => joined(stdio, streams, async () => {});

function joined(stdio: Stdio, streams: Streams, remove: () => Promise<void>): TaskIo {
  const stop = new AbortController();
  // Open at once: a shim may look for the reader before it starts the process.
  const outputs = [[stdio.stdout, streams.stdout] as const, [stdio.stderr, streams.stderr] as const].flatMap(
    ([path, sink]) => (path === '' || sink === undefined ? [] : [copyOut(openFifo(path, 'read'), sink, stop.signal)]),
  );
  const drained = Promise.all(outputs).then(() => {});
  drained.catch(() => {}); // whoever waits for it hears of a failure; nobody may
  // Held both ways until the shim has its end, so that the fifo does not lose what is written first.
  const input = stdio.stdin === '' ? undefined : holdFifo(stdio.stdin);
  return {
    stdio,
    startInput: (closed) => {
      if (input === undefined || streams.stdin === undefined) return;
      const copying = copyIn(streams.stdin, input.fd, stop.signal).then((ended) => {
        if (!ended) return;
        input[Symbol.dispose](); // the process sees the end when the shim has let go as well
        return closed();
      });
      copying.catch(() => {}); // the process may end before its input does
    },
    drained,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.allSettled([drained]);
      input?.[Symbol.dispose]();
      await remove();
    },
  };
}

function holdFifo(path: string): Disposable & { readonly fd: number } {
  const fd = openFifo(path, 'hold');
  let open = true;
  return {
    fd,
    [Symbol.dispose]: () => {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

async function copyOut(fd: number, sink: (bytes: Uint8Array) => Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    for await (const bytes of readFifo(fd, { signal })) await sink(bytes);
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    closeSync(fd);
  }
}

/** Tells whether the input came to its end. One that cannot be read (any more) has: the process must not wait for it. */
async function copyIn(source: AsyncIterable<Uint8Array>, fd: number, signal: AbortSignal): Promise<boolean> {
  const reader = source[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await reader.next().catch(() => ({ done: true, value: undefined }));
    if (signal.aborted || done === true || value === undefined) return !signal.aborted;
    await writeFifo(fd, value, { signal });
  }
}
