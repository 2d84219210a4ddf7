import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { abortFault, throwIfAborted } from '#base/cancellation';
import { fault, internal, notImplemented } from '#base/errors';
import type { StreamProcessor } from '#core/plugin/daemon-info';
import { isEncrypted, isLayerType } from '#lib/oci/media-types';

/** A program on the way from what is stored to a layer that can be unpacked. */
export interface ProcessorStep {
  readonly id: string;
  readonly processor: StreamProcessor;
}

const maxSteps = 16;

/**
 * The programs that a media type has to go through, in order; none for what we read ourselves. A configured program comes before our own
 * reading of the same type. @throws not_implemented for a type that leads nowhere
 */
export function processorChain(
  mediaType: string,
  processors: ReadonlyMap<string, StreamProcessor>,
): readonly ProcessorStep[] {
  const steps: ProcessorStep[] = [];
  let current = mediaType;
  while (steps.length < maxSteps) {
    const next = [...processors].find(([, processor]) => processor.accepts.includes(current));
    if (next === undefined) {
      if (isLayerType(current) && !isEncrypted(current)) return steps;
      throw notImplemented(`media type ${current}: no stream processor for it`);
    }
    steps.push({ id: next[0], processor: next[1] });
    current = next[1].returns;
  }
  throw fault('invalid_argument', `media type ${mediaType}: stream processors that lead in a circle`);
}

export interface StepOptions {
  readonly mediaType: string;
  /** Given on descriptor 3. */
  readonly payload?: Uint8Array;
  readonly tempDir: string;
  readonly signal: AbortSignal;
  /** Told how much has been written, some times a second. */
  readonly onOutput?: (size: number) => void;
}

/**
 * Runs one program from an open file at its beginning to the file `output` and returns the size of what it wrote. The daemon's memory holds none of it.
 * @throws internal with what the program said on its standard error; canceled after it was killed
 */
export async function runProcessor(
  step: ProcessorStep,
  input: number,
  output: string,
  options: StepOptions,
): Promise<number> {
  const { processor } = step;
  throwIfAborted(options.signal);
  using files = new DisposableStack();
  const keep = (fd: number) => files.adopt(fd, closeSync);
  const stdout = keep(openSync(output, 'a'));
  const payload = options.payload === undefined ? [] : [keep(payloadFile(options.payload, options.tempDir))];
  const child = spawn(processor.path, processor.args, {
    stdio: [input, stdout, 'pipe', ...payload],
    // A group of its own, so that what it started ends with it.
    detached: true,
    env: { ...process.env, ...environment(processor.env), STREAM_PROCESSOR_MEDIATYPE: options.mediaType },
  });
  const kill = () => killGroup(child.pid);
  options.signal.addEventListener('abort', kill, { once: true });
  const reporting = setInterval(() => options.onOutput?.(fstatSync(stdout).size), 20);
  try {
    const complaint = await exitOf(child, step.id);
    if (options.signal.aborted) throw abortFault(options.signal);
    if (complaint !== undefined) throw complaint;
    return fstatSync(stdout).size;
  } finally {
    clearInterval(reporting);
    options.signal.removeEventListener('abort', kill);
  }
}

/** The start of standard error is enough to say what is wrong. */
const maxComplaint = 4096;

function exitOf(child: ReturnType<typeof spawn>, id: string): Promise<Error | undefined> {
  const done = Promise.withResolvers<Error | undefined>();
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < maxComplaint) said += text.slice(0, maxComplaint);
  });
  child.on('error', (error) => done.resolve(internal(`stream processor ${id}: ${error.message}`, error)));
  child.on('exit', (code, signal) => {
    const conclude = () => {
      if (code === 0) done.resolve(undefined);
      else done.resolve(internal(`stream processor ${id}: ${said.trim() || `ended with ${signal ?? code}`}`));
    };
    // Its last words may still be on their way; but a process that it left behind may hold the pipe for ever.
    child.on('close', conclude);
    setTimeout(conclude, 200).unref();
  });
  return done.promise;
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}

function environment(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

/** A file without a name that holds the payload, open at its beginning. */
function payloadFile(payload: Uint8Array, tempDir: string): number {
  const path = join(tempDir, `berth-payload-${process.pid}-${payloads++}`);
  const writer = openSync(path, 'wx', 0o600);
  try {
    for (let at = 0; at < payload.length; ) at += writeSync(writer, payload, at);
    return openSync(path, 'r');
  } finally {
    closeSync(writer);
    unlinkSync(path);
  }
}
let payloads = 0;
