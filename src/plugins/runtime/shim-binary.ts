import { access, constants, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { within } from '#base/cancellation';
import { invalidArgument, messageOf, notFound, wrap } from '#base/errors';
import type { Log } from '#base/log';
import { run } from '#sys/process';
import {
  type Bootstrap,
  type Generation,
  generationOf,
  parseBootstrap,
  type StartParams,
  startInput,
} from './bootstrap.ts';
import type { Bundle } from './bundle.ts';
import { RuntimeCopy } from './runtime-copy.ts';

/** A runtime's shim program: finds it, starts shims with it, and cleans up after dead ones. */
export class ShimBinaries {
  readonly #besides: string;
  readonly #log: Log;
  readonly #generations = new Map<string, Generation>();
  readonly #runtimeCopy = new RuntimeCopy();

  constructor(executable: string, log: Log) {
    this.#besides = dirname(executable);
    this.#log = log;
  }

  /**
   * The program for a runtime: an absolute path as it is; `io.containerd.runc.v2` is `containerd-shim-runc-v2`, beside this daemon or on PATH.
   * @throws invalid_argument for a malformed name; not_found
   */
  async find(runtime: string): Promise<string> {
    if (isAbsolute(runtime)) {
      if (await executable(runtime)) return runtime;
      throw notFound(`runtime ${JSON.stringify(runtime)}`);
    }
    const name = binaryName(runtime);
    for (const folder of [this.#besides, ...(process.env.PATH ?? '').split(':')]) {
      const candidate = join(folder, name);
      if (isAbsolute(candidate) && (await executable(candidate))) return candidate;
    }
    throw notFound(
      `runtime ${JSON.stringify(runtime)} binary not installed ${JSON.stringify(name)}: file does not exist`,
    );
  }

  /** Runs `start` and returns where the shim listens. @throws with what the shim printed; deadline_exceeded */
  async start(binary: string, bundle: Bundle, params: StartParams, signal: AbortSignal): Promise<Bootstrap> {
    const input = startInput(await this.#generation(binary, signal), params);
    const output = await runShim(binary, [...shimArgs(params), 'start'], {
      bundle,
      params,
      input,
      signal,
      env: this.#runtimeCopy.environment(),
    });
    return parseBootstrap(output);
  }

  /** Runs `delete`, for a shim that cannot be talked to: kills and removes what it had, and returns its DeleteResponse. */
  cleanUp(binary: string, bundle: Bundle, params: StartParams, signal: AbortSignal): Promise<Uint8Array> {
    return runShim(binary, [...shimArgs(params), '-bundle', bundle.path, 'delete'], {
      bundle,
      params,
      input: new Uint8Array(),
      signal,
    });
  }

  /** Runs `-info` with the runtime's options (an Any) as input: what the shim tells of itself and of its runtime. @throws with what it printed */
  info(binary: string, options: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const program = { cwd: '/', env: inherited(), input: options, signal };
    return runProgram(binary, ['-info'], { ...program, maxOutput: maxInfoBytes });
  }

  async #generation(binary: string, signal: AbortSignal): Promise<Generation> {
    const { mtimeMs, size } = await stat(binary);
    const key = `${binary} ${mtimeMs} ${size}`;
    const known = this.#generations.get(key);
    if (known !== undefined) return known;
    let generation: Generation = 'options';
    const bounded = within(versionTimeoutMs, signal);
    try {
      generation = generationOf(
        new TextDecoder().decode(
          await runProgram(binary, ['-v'], { cwd: '/', env: inherited(), input: new Uint8Array(), signal: bounded }),
        ),
      );
    } catch (thrown) {
      if (signal.aborted) throw thrown; // says nothing about the shim's generation
      // Shims of other makers know no -v; they take the oldest form.
      this.#log.debug('shim told no version', { binary, error: messageOf(thrown) });
    }
    this.#generations.set(key, generation);
    return generation;
  }
}

/** The features of a runtime are some ten kilobytes. */
const maxInfoBytes = 4 << 20;

/** A program that hangs when asked for its version is one that does not know the question. */
const versionTimeoutMs = 5_000;

/** `io.containerd.runc.v2` → `containerd-shim-runc-v2`. */
function binaryName(runtime: string): string {
  const parts = runtime.split('.');
  const [name, version] = parts.slice(-2);
  if (runtime.includes('/') || parts.length < 2 || !name || !version)
    throw invalidArgument(
      `invalid runtime name ${runtime}, correct runtime name should be either format like \`io.containerd.runc.v2\` or a full path to the binary`,
    );
  return `containerd-shim-${name}-${version}`;
}

const shimArgs = (params: StartParams): string[] => [
  '-namespace',
  params.namespace,
  '-address',
  params.grpcAddress,
  '-publish-binary',
  params.executable,
  '-id',
  params.id,
  ...(params.debug ? ['-debug'] : []),
];

interface ShimRun {
  readonly env?: Readonly<Record<string, string>>;
  readonly bundle: Bundle;
  readonly params: StartParams;
  readonly input: Uint8Array;
  readonly signal: AbortSignal;
}

function runShim(
  binary: string,
  args: readonly string[],
  { bundle, params, input, signal, env: more = {} }: ShimRun,
): Promise<Uint8Array> {
  const env = {
    ...inherited(),
    GOMAXPROCS: '2',
    MAX_SHIM_VERSION: '2',
    TTRPC_ADDRESS: params.ttrpcAddress,
    GRPC_ADDRESS: params.grpcAddress,
    NAMESPACE: params.namespace,
    ...(params.schedCore ? { SCHED_CORE: '1' } : {}),
    ...more,
  };
  return runProgram(binary, args, { cwd: bundle.path, env, input, signal });
}

interface ProgramRun {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: Uint8Array;
  readonly signal: AbortSignal;
  readonly maxOutput?: number;
}

/** Runs a program to its end in a group of its own; returns its standard output, or throws with all that it printed. */
async function runProgram(binary: string, args: readonly string[], options: ProgramRun): Promise<Uint8Array> {
  const subject = `${binary} ${args.at(-1)}`;
  try {
    const result = await run([binary, ...args], { maxOutput: 64 * 1024, ...options, detached: true });
    if (options.maxOutput !== undefined && result.truncated) throw new Error('printed more than is read of it');
    if (result.exitCode === 0) return result.stdoutBytes;
    const said = `${result.stdout}${result.stderr}`.trim();
    throw new Error(said || `ended with ${result.signal ?? result.exitCode}`);
  } catch (thrown) {
    throw wrap(thrown, subject);
  }
}

/** This process's environment, without the holes of its type. */
const inherited = (): Record<string, string> =>
  Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));

async function executable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false; // absent or not ours to run: the search goes on, and fails with the name if nothing is found
  }
}
