import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { throwIfAborted } from '#base/cancellation';
import { addon } from './addon.ts';
import { untilReadable, type WaitOptions } from './wait.ts';

/** Where a standard stream of a child goes: a descriptor of ours (stays open here), a pipe, or nowhere. */
export type Stdio = number | 'pipe' | 'ignore';

export interface SpawnOptions {
  /** All of the child's environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: Stdio;
  readonly stdout?: Stdio;
  readonly stderr?: Stdio;
  /** Descriptors that become 3, 4, … in the child. */
  readonly extraFds?: readonly number[];
  /** A session of its own: signals of our terminal and of our process group do not reach it. */
  readonly detached?: boolean;
}

export interface ExitStatus {
  /** As a shell has it: 128 + signal for a child that a signal ended. */
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
}

export interface Child {
  readonly pid: number;
  /** Ends when the last holder of the other end has gone, which may be after `exited`. */
  readonly stdout?: ReadableStream<Uint8Array>;
  readonly stderr?: ReadableStream<Uint8Array>;
  /** Never rejects. */
  readonly exited: Promise<ExitStatus>;
  /** Writes to the piped standard input; waits when the child is slow. */
  write(data: Uint8Array): Promise<void>;
  /** Closes the piped standard input. */
  closeStdin(): Promise<void>;
  /** False when it had ended already. */
  kill(signal: NodeJS.Signals | number): boolean;
}

/** Starts a program (`argv[0]` is looked up in the given PATH). Does not copy this process: fast at any heap size. @throws ENOENT, EACCES */
export function spawn(argv: readonly string[], options: SpawnOptions): Child {
  const child = Bun.spawn([...argv], {
    env: { ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    stdio: [
      options.stdin ?? 'ignore',
      options.stdout ?? 'ignore',
      options.stderr ?? 'ignore',
      ...(options.extraFds ?? []),
    ],
    detached: options.detached ?? false,
  });
  const { stdin } = child;
  const sink = typeof stdin === 'object' && stdin !== null && 'write' in stdin ? stdin : undefined;
  return {
    pid: child.pid,
    ...(options.stdout === 'pipe' && { stdout: child.stdout as ReadableStream<Uint8Array> }),
    ...(options.stderr === 'pipe' && { stderr: child.stderr as ReadableStream<Uint8Array> }),
    exited: child.exited.then(() => statusOf(child.exitCode, child.signalCode as NodeJS.Signals | null)),
    async write(data) {
      sink?.write(data);
      await sink?.flush();
    },
    async closeStdin() {
      await sink?.end();
    },
    kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return false;
      child.kill(signal);
      return true;
    },
  };
}

export interface RunOptions extends Omit<SpawnOptions, 'stdin' | 'stdout' | 'stderr'> {
  readonly input?: Uint8Array;
  /** The child is killed when it fires; `run` then throws `canceled`. */
  readonly signal?: AbortSignal;
  /** How much of each output is kept (the rest is read and dropped); 1 MiB unless told. */
  readonly maxOutput?: number;
  /**
   * It gets a session of its own, and whatever of that session is left when it ends is killed with it: for programs that nobody trusts to
   * clear away after themselves.
   */
  readonly endGroup?: boolean;
}

export interface RunResult extends ExitStatus {
  readonly stdout: string;
  /** The same before decoding. */
  readonly stdoutBytes: Uint8Array;
  readonly stderr: string;
  /** Some output was dropped. */
  readonly truncated: boolean;
}

/**
 * Runs a program to its end and collects its output. A grandchild that keeps the output open does not hold this up:
 * after the exit only what is there already is read. @throws ENOENT, EACCES; canceled, deadline_exceeded
 */
export async function run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
  if (options.signal !== undefined) throwIfAborted(options.signal);
  const child = spawn(argv, {
    ...options,
    ...(options.endGroup === true && { detached: true }),
    stdin: options.input === undefined ? 'ignore' : 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const killAll = () => void (options.endGroup === true && kill(-child.pid, 'SIGKILL'));
  const stop = () => {
    child.kill('SIGKILL');
    killAll();
  };
  options.signal?.addEventListener('abort', stop, { once: true });
  const limit = options.maxOutput ?? 1 << 20;
  const stdout = collect(child.stdout as ReadableStream<Uint8Array>, limit);
  const stderr = collect(child.stderr as ReadableStream<Uint8Array>, limit);
  // A child that does not read its input, or ends before it has, is not an error.
  const fed =
    options.input === undefined
      ? undefined
      : child
          .write(options.input)
          .then(child.closeStdin)
          .catch(() => {});
  const status = await child.exited;
  options.signal?.removeEventListener('abort', stop);
  killAll();
  await Promise.race([Promise.all([stdout.done, stderr.done, fed]), new Promise((late) => setTimeout(late, 100))]);
  stdout.stop();
  stderr.stop();
  if (options.signal !== undefined) throwIfAborted(options.signal);
  return {
    ...status,
    stdout: stdout.text(),
    stdoutBytes: stdout.bytes(),
    stderr: stderr.text(),
    truncated: stdout.truncated() || stderr.truncated(),
  };
}

/** Signals that end or stop a process, by pid; false when there is no such process. @throws EPERM */
export function kill(pid: number, signal: NodeJS.Signals | number): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** A process held so that its number cannot pass to another one. Dispose it. */
export interface ProcessHandle extends Disposable {
  readonly pid: number;
  /** False when it has ended. @throws EPERM */
  signal(signal: NodeJS.Signals | number): boolean;
  /** Resolves when the process has ended, whoever its parent is. @throws canceled */
  ended(options?: WaitOptions): Promise<void>;
}

/** `undefined` when there is no such process (any more). */
export function holdProcess(pid: number): ProcessHandle | undefined {
  let fd: number;
  try {
    fd = addon.pidfdOpen(pid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
    throw error;
  }
  return {
    pid,
    signal(signal) {
      try {
        addon.pidfdSignal(fd, typeof signal === 'number' ? signal : constants.signals[signal]);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
        throw error;
      }
    },
    ended: (options) => untilReadable(fd, options),
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/** From now on orphans among our descendants become our children, and must be collected with `reap`. */
export const becomeSubreaper = (): void => addon.setSubreaper(1);

/**
 * Collects one child that ended, without waiting; `undefined` when none has. Give a pid that `spawn` did not return:
 * the runtime collects its own. @throws ECHILD
 */
export function reap(pid: number): (ExitStatus & { readonly pid: number }) | undefined {
  const [ended = 0, status = 0] = addon.waitPid(pid);
  if (ended === 0) return undefined;
  const signal = status & 0x7f;
  return { pid: ended, ...statusOf(signal === 0 ? (status >> 8) & 0xff : null, signal === 0 ? null : nameOf(signal)) };
}

function statusOf(exitCode: number | null, signal: NodeJS.Signals | null): ExitStatus {
  if (signal === null) return { exitCode: exitCode ?? 255 };
  return { exitCode: 128 + constants.signals[signal], signal };
}

function nameOf(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? 'SIGKILL') as NodeJS.Signals;
}

interface Collected {
  readonly done: Promise<void>;
  stop(): void;
  text(): string;
  bytes(): Uint8Array;
  truncated(): boolean;
}

function collect(stream: ReadableStream<Uint8Array>, limit: number): Collected {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let kept = 0;
  let dropped = false;
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const part = value.subarray(0, limit - kept);
      if (part.length < value.length) dropped = true;
      if (part.length > 0) chunks.push(part);
      kept += part.length;
    }
  };
  return {
    // A reader that was told to stop rejects or ends; both are fine.
    done: read().catch(() => {}),
    stop: () => void reader.cancel().catch(() => {}),
    text: () => Buffer.concat(chunks).toString('utf8'),
    bytes: () => Buffer.concat(chunks),
    truncated: () => dropped,
  };
}
