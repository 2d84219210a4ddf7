import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Finished, GuestChannel } from './guest-channel.ts';
import { vmImage } from './image.ts';
import { emptyDisk, VolatileDisk } from './volatile-disk.ts';

const bootTimeoutMs = 180_000;
const memoryMb = 1536;
const storeBytes = 3 * 2 ** 30;
/** Of the last run, whether it was good or not: what the kernel and systemd said, and every script with its answer. */
export const logDirectory = new URL('../../build/vm-logs', import.meta.url).pathname;

const kernelParameters = [
  'root=/dev/nvme0n1 rw console=ttyS0 quiet loglevel=5 panic=-1 mitigations=off',
  'apparmor=1 security=apparmor systemd.show_status=0 systemd.default_timeout_start_sec=300s',
];

/**
 * A virtual machine that qemu emulates in software. Its root disk lasts as long as this object, its store's disk (/var/lib/containerd)
 * has a cache that a power cut loses.
 */
export class Machine implements AsyncDisposable {
  readonly #name: string;
  readonly #directory: string;
  readonly #kernel: string;
  #disk: VolatileDisk | undefined;
  #qemu: ChildProcess | undefined;
  #channel: GuestChannel | undefined;
  #saidBefore: readonly string[] = [];

  private constructor(name: string, kernel: string) {
    this.#name = name;
    this.#kernel = kernel;
    this.#directory = mkdtempSync(join(tmpdir(), 'berth-vm-'));
    mkdirSync(logDirectory, { recursive: true });
    for (const kind of ['console', 'scripts', 'qemu']) rmSync(this.#logPath(kind), { force: true });
  }

  /** Starts a new machine that finds the files of a directory below /payload. Its logs have this name. @throws when it does not start */
  static async start(name: string, payload: string): Promise<Machine> {
    const image = vmImage();
    const machine = new Machine(name, image.kernel);
    try {
      const disk = (file: string) => join(machine.#directory, file);
      done('cp', '--sparse=always', '--reflink=auto', image.root, disk('root'));
      done('truncate', '-s', '1G', disk('payload'));
      done('mke2fs', '-q', '-t', 'ext4', '-d', payload, disk('payload'));
      emptyDisk(disk('store'), storeBytes);
      done('mke2fs', '-q', '-t', 'ext4', disk('store'));
      machine.#disk = await VolatileDisk.open(disk('store'), disk('store.sock'));
      await machine.boot();
    } catch (thrown) {
      await machine[Symbol.asyncDispose]();
      throw thrown;
    }
    return machine;
  }

  /** Lines that scripts have written to /dev/ttyS2 since the last boot, also after a power cut. */
  get said(): readonly string[] {
    return this.#channel?.said ?? this.#saidBefore;
  }

  /** Turns it on and waits until scripts can be run, which is before everything has started. */
  async boot(): Promise<void> {
    const [agent, news] = ['agent.sock', 'news.sock'].map((name) => join(this.#directory, name)) as [string, string];
    for (const path of [agent, news]) rmSync(path, { force: true });
    const qemu = spawn('nice', ['-n', '2', 'qemu-system-x86_64', ...this.#arguments(agent, news)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [qemu.stdout, qemu.stderr])
      stream.on('data', (text: Buffer) => appendFileSync(this.#logPath('qemu'), text));
    this.#qemu = qemu;
    this.#channel = await GuestChannel.open(agent, news, this.#logPath('scripts'), () => qemu.exitCode === null);
    await Promise.race([
      this.#channel.ready,
      once(qemu, 'exit').then(() => Promise.reject(new Error(`qemu ended: see ${this.#logPath('qemu')}`))),
      wait(bootTimeoutMs, undefined, { ref: false }).then(() =>
        Promise.reject(new Error(`${this.#name} did not boot: see ${this.#logPath('console')}`)),
      ),
    ]);
  }

  /** Runs a shell script in it to its end. @throws when there is no answer in time */
  run(script: string, timeoutSeconds = 60): Promise<Finished> {
    return this.#guest.run(script, timeoutSeconds);
  }

  /** Runs a script that must succeed; answers with what it printed, without white space at the ends. */
  async ok(script: string, timeoutSeconds = 60): Promise<string> {
    const { code, stdout, stderr } = await this.run(script, timeoutSeconds);
    if (code !== 0) throw new Error(`exit code ${code}: ${script}\n${stdout}${stderr}`);
    return stdout.trim();
  }

  /** Runs a script again and again until it succeeds; answers with what it printed. @throws as `ok` when it does not in that time */
  async until(script: string, timeoutSeconds = 60): Promise<string> {
    for (const late = Date.now() + timeoutSeconds * 1000; Date.now() < late; await wait(500)) {
      const { code, stdout } = await this.run(script, timeoutSeconds);
      if (code === 0) return stdout.trim();
    }
    return await this.ok(script, timeoutSeconds);
  }

  /** What is in the cache of the store's disk and not yet on it. */
  get unflushedBytes(): number {
    return this.#disk?.unflushedBytes ?? 0;
  }

  /** Takes the power away, between two instructions. What the store's disk has not flushed is kept sector by sector as `keeps` says. */
  async powerCut(keeps: () => boolean): Promise<{ readonly kept: number; readonly lost: number }> {
    await this.#kill();
    const disk = this.#disk;
    if (disk === undefined) throw new Error('the machine has no disk');
    return disk.powerCut(keeps);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kill();
    await this.#disk?.[Symbol.asyncDispose]();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #guest(): GuestChannel {
    if (this.#channel === undefined) throw new Error(`${this.#name} is off`);
    return this.#channel;
  }

  async #kill(): Promise<void> {
    const qemu = this.#qemu;
    this.#qemu = undefined;
    this.#saidBefore = this.#channel?.said ?? [];
    this.#channel?.close();
    this.#channel = undefined;
    if (qemu === undefined || qemu.exitCode !== null || qemu.signalCode !== null) return;
    const ended = once(qemu, 'exit');
    qemu.kill('SIGKILL');
    await ended;
  }

  #logPath = (kind: string): string => join(logDirectory, `${this.#name}.${kind}.log`);

  #arguments(agent: string, news: string): readonly string[] {
    const file = (node: string, path: string, more = '') => [
      '-blockdev',
      `driver=file,node-name=${node},filename=${path}${more}`,
    ];
    const namespace = (node: string, id: number) => ['-device', `nvme-ns,bus=disks,drive=${node},nsid=${id}`];
    const store = `driver=nbd,node-name=store,server.type=unix,server.path=${this.#disk?.socketPath},export=`;
    const socket = (id: string, path: string) => [
      ...['-chardev', `socket,id=${id},path=${path},server=on,wait=off`],
      ...['-serial', `chardev:${id}`],
    ];
    return [
      ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
      ...['-accel', 'tcg', '-cpu', 'max', '-smp', '1', '-m', `${memoryMb}`],
      ...['-kernel', this.#kernel, '-append', kernelParameters.join(' ')],
      ...file('root', join(this.#directory, 'root')),
      ...file('payload', join(this.#directory, 'payload'), ',read-only=on'),
      ...['-blockdev', store],
      ...['-device', 'nvme,id=disks,serial=berth'],
      ...namespace('root', 1),
      ...namespace('payload', 2),
      ...['-device', 'virtio-blk-pci,drive=store'],
      ...['-chardev', `file,id=console,path=${this.#logPath('console')},append=on`, '-serial', 'chardev:console'],
      ...socket('agent', agent),
      ...socket('news', news),
      ...['-device', 'virtio-rng-pci'],
    ];
  }
}

function done(command: string, ...args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}
