import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { run } from './daemon.ts';
import { mountsBelow, processesNaming } from './nothing-left.ts';

const bootTimeoutMs = 60_000;
const stopTimeoutMs = 60_000;

/** CRI and NRI would want places of the whole machine. */
const disabled = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.cri.v1.images',
  'io.containerd.cri.v1.runtime',
  'io.containerd.nri.v1.nri',
  'io.containerd.internal.v1.opt',
];

export interface PeerContainerdOptions {
  /** The directory with `containerd` and `ctr`; Debian's own by default. */
  readonly bin?: string;
  /** Directories that come first on its PATH: where it finds its shim. */
  readonly path?: readonly string[];
  /** Where its directory is made. */
  readonly parent?: string;
  /** TOML that goes below the usual configuration. */
  readonly tables?: string;
  /** With CRI: from 2.0 on there are no sandboxes without it. */
  readonly cri?: true;
}

/** A containerd of others, of any version, without CRI, in a directory of its own. Dispose ends it; what it left running or mounted is an error. */
export class PeerContainerd implements AsyncDisposable {
  readonly directory: string;
  readonly address: string;
  readonly #options: PeerContainerdOptions;
  #process: ChildProcess | undefined;
  #log = '';

  private constructor(options: PeerContainerdOptions) {
    this.#options = options;
    this.directory = mkdtempSync(join(options.parent ?? '/tmp', 'peer-containerd-'));
    this.address = join(this.directory, 'c.sock');
    const lines = [
      'version = 2',
      `root = '${this.directory}/root'`,
      `state = '${this.directory}/state'`,
      `disabled_plugins = ${JSON.stringify(disabled.filter((name) => !options.cri || !/\.cri\b/.test(name)))}`,
      `[grpc]\naddress = '${this.address}'`,
      options.tables ?? '',
    ];
    writeFileSync(join(this.directory, 'config.toml'), `${lines.join('\n')}\n`);
  }

  /** @throws with its log when it does not serve */
  static async start(options: PeerContainerdOptions = {}): Promise<PeerContainerd> {
    const daemon = new PeerContainerd(options);
    try {
      await daemon.start();
    } catch (thrown) {
      await daemon[Symbol.asyncDispose]();
      throw thrown;
    }
    return daemon;
  }

  get pid(): number {
    if (this.#process?.pid === undefined) throw new Error('containerd does not run');
    return this.#process.pid;
  }

  get isRunning(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null;
  }

  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.kill(signal);
    await this.start();
  }

  /** Starts it again after its end, and waits until it serves. */
  async start(): Promise<void> {
    const { bin = '/usr/bin', path = [] } = this.#options;
    const child = spawn(join(bin, 'containerd'), ['-c', join(this.directory, 'config.toml'), '-l', 'warn'], {
      // It leaves the files of a checkpoint that fails.
      env: { ...process.env, TMPDIR: this.directory, PATH: [...path, process.env.PATH].join(':') },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.on('data', (chunk: Buffer) => (this.#log += chunk.toString()));
    this.#process = child;
    for (let waited = 0; waited < bootTimeoutMs && child.exitCode === null; waited += 50) {
      if ((await run(join(bin, 'ctr'), ['-a', this.address, 'version'])).code === 0) return;
      await wait(50);
    }
    throw new Error(`containerd does not start:\n${this.#log}`);
  }

  /** Ends it with a signal and waits for its end. */
  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await gone;
    clearTimeout(late);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    const left = [
      ...mountsBelow(this.directory).map((path) => `mount ${path}`),
      ...processesNaming(this.directory, process.pid),
    ];
    if (left.length > 0) throw new Error(`containerd left behind: ${left.join('; ')}\n${this.#log}`);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
