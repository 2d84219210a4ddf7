import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const top = new URL('../..', import.meta.url).pathname;
// A machine may be slow; these are for what hangs.
const bootTimeoutMs = 60_000;
const stopTimeoutMs = 60_000;

export interface TestDaemonOptions {
  /** TOML that goes below the usual configuration: tables, or further ones. */
  readonly config?: string;
  /** Keys for the top of the file, before any table. */
  readonly topConfig?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where the daemon's directory is made; /dev/shm for speed. */
  readonly parent?: string;
  /** Run dist/bin/containerd (which must have been built) instead of the source. */
  readonly built?: boolean;
  /** With `built`, this program instead. */
  readonly executable?: string;
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a daemon with root, state and sockets in a directory of its own, and waits until it serves. @throws with its log when it does not */
export async function startDaemon(options: TestDaemonOptions = {}): Promise<TestDaemon> {
  const daemon = new TestDaemon(options);
  try {
    await daemon.start();
  } catch (thrown) {
    await daemon[Symbol.asyncDispose]();
    throw thrown;
  }
  return daemon;
}

/** A daemon under test. Disposing it stops it and removes its directory; what it left running or mounted is ended and is an error. */
export class TestDaemon implements AsyncDisposable {
  readonly directory: string;
  readonly root: string;
  readonly state: string;
  readonly address: string;
  readonly configPath: string;
  /** What the next start runs, instead of what the options say. */
  executable: string | undefined;
  /** What the next start has in its environment besides what the options say. */
  env: Readonly<Record<string, string>> = {};
  readonly #options: TestDaemonOptions;
  #process: ChildProcess | undefined;
  #log = '';

  constructor(options: TestDaemonOptions) {
    this.#options = options;
    this.executable = options.executable;
    this.directory = mkdtempSync(join(options.parent ?? tmpdir(), 'berth-d-'));
    this.root = join(this.directory, 'root');
    this.state = join(this.directory, 'state');
    this.address = join(this.directory, 'c.sock');
    this.configPath = join(this.directory, 'config.toml');
    this.configure(options.config ?? '', options.topConfig ?? '');
  }

  /** Everything that all runs of it have written. */
  get log(): string {
    return this.#log;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error('the daemon does not run');
    return pid;
  }

  /** Writes the configuration that the next start reads. */
  configure(tables: string, topKeys = ''): void {
    writeFileSync(
      this.configPath,
      `version = 3\nroot = '${this.root}'\nstate = '${this.state}'\n${topKeys}\n${tables.includes('[grpc]') ? '' : `[grpc]\naddress = '${this.address}'\n`}${tables.replace('[grpc]', `[grpc]\naddress = '${this.address}'`)}\n`,
    );
  }

  /** Starts it (again) and waits until it serves. @throws with its log when it ends instead */
  async start(): Promise<void> {
    const child = this.spawn();
    const since = this.#log.length;
    for (let waited = 0; waited < bootTimeoutMs; waited += 10) {
      if (/successfully booted/.test(this.#log.slice(since))) return;
      if (child.exitCode !== null || child.signalCode !== null) break;
      await wait(10);
    }
    throw new Error(`the daemon did not start (exit code ${child.exitCode}):\n${this.#log}`);
  }

  /** Starts it without waiting for anything. */
  spawn(): ChildProcess {
    const { args = [], env = {}, built = false } = this.#options;
    const [command, ...first] = built
      ? [this.executable ?? join(top, 'dist/bin/containerd')]
      : [process.execPath, join(top, 'src/main.ts'), 'containerd'];
    const child = spawn(command ?? '', [...first, '-c', this.configPath, ...args], {
      cwd: this.directory,
      env: { ...process.env, PATH: `${join(top, 'dist/bin')}:${process.env.PATH}`, ...env, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.#log += chunk.toString()));
    this.#process = child;
    return child;
  }

  /** Ends it with a signal and waits for its end. */
  async kill(
    signal: NodeJS.Signals = 'SIGTERM',
  ): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
    const child = this.#process;
    if (child === undefined) throw new Error('the daemon does not run');
    if (child.exitCode === null && child.signalCode === null) {
      const closed = once(child, 'close');
      child.kill(signal);
      const late = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      await closed;
      clearTimeout(late);
    }
    return { code: child.exitCode, signal: child.signalCode };
  }

  /** Waits a while for it to end by itself: the signal that ended it, its exit code, or `undefined` when it goes on. */
  async ended(patienceMs: number): Promise<NodeJS.Signals | number | undefined> {
    for (let waited = 0; ; waited += 10) {
      const how = this.#process?.signalCode ?? this.#process?.exitCode ?? undefined;
      if (how !== undefined || waited >= patienceMs) return how;
      await wait(10);
    }
  }

  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.kill(signal);
    await this.start();
  }

  /** Waits for a line. @throws with the log when it does not come */
  async waitForLog(pattern: RegExp, timeoutMs = 60_000): Promise<void> {
    for (let waited = 0; waited < timeoutMs; waited += 10) {
      if (pattern.test(this.#log)) return;
      await wait(10);
    }
    throw new Error(`nothing like ${pattern} in the log:\n${this.#log}`);
  }

  /** Debian's ctr, which must be installed, at this daemon. */
  ctr(...args: readonly string[]): Promise<Finished> {
    return run('/usr/bin/ctr', ['--address', this.address, ...args]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const alive = this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
    const { code, signal } = alive ? await this.kill() : { code: 0, signal: null };
    await shimsThatEnd(this.directory);
    const left = [...endProcesses(this.directory), ...unmountAll(this.directory)];
    rmSync(this.directory, { recursive: true, force: true });
    if (code !== 0 || signal !== null) left.push(`it ended with code ${code}, signal ${signal}`);
    if (left.length > 0) throw new Error(`the daemon left behind: ${left.join('; ')}\n${this.#log}`);
  }
}

/** Runs a program to its end. */
export async function run(command: string, args: readonly string[], input = ''): Promise<Finished> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => {}); // it may end without reading
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? -1, stdout, stderr };
}

/** A shim that was told to end tries for five seconds to tell a daemon of it that is there no more. */
async function shimsThatEnd(directory: string): Promise<void> {
  for (let waited = 0; waited < 7_000 && processesOf(directory).size > 0; waited += 50) await wait(50);
}

/** Kills what was started with the directory on its command line (shims), and the containers whose bundles are below it. */
function endProcesses(directory: string): string[] {
  const pids = processesOf(directory);
  for (const pid of pids.keys()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {} // it has ended meanwhile
  }
  return [...pids].map(([pid, command]) => `process ${pid} ${command}`);
}

function processesOf(directory: string): ReadonlyMap<number, string> {
  const pids = new Map<number, string>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (command.includes(`${directory}/`)) pids.set(Number(name), command);
    } catch {} // it has ended meanwhile
  }
  const state = join(directory, 'state');
  const bundles = existsSync(state) ? readdirSync(state, { recursive: true, encoding: 'utf8' }) : [];
  for (const file of bundles.filter((name) => name.endsWith('/init.pid'))) {
    const pid = Number(readFileSync(join(state, file), 'utf8'));
    if (existsSync(`/proc/${pid}`)) pids.set(pid, `container of ${file}`);
  }
  return pids;
}

function unmountAll(directory: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${directory}/`));
  for (const path of mounts.reverse()) Bun.spawnSync(['umount', '-l', path]);
  return mounts.map((path) => `mount ${path}`);
}
