import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { mountsBelow } from './nothing-left.ts';

const bootTimeoutMs = 60_000;
/** Where scripts/peers.sh unpacks the programs of others. */
export const peers = new URL('../../build/peers', import.meta.url).pathname;

/** Where its containerd listens, and a directory for it. */
export interface DockersContainerd {
  readonly address: string;
  readonly directory: string;
}

export interface DockerdOptions {
  /** Which of those below build/peers. */
  readonly version: string;
  readonly args?: readonly string[];
  /** In the network namespace of its caller, who has made it for this. */
  readonly sameNetwork?: boolean;
}

/** A dockerd with a network namespace and directories of its own. Dispose ends it; a mount that stays is an error. */
export class Dockerd implements AsyncDisposable {
  readonly host: string;
  readonly path: string;
  /** Its command line program. */
  readonly client: string;
  readonly cgroup = `/berth-docker-${process.pid}`;
  readonly #directory: string;
  readonly #process: ChildProcess;

  private constructor(daemon: DockersContainerd, { version, args = [], sameNetwork = false }: DockerdOptions) {
    const root = join(peers, `docker-${version}`, 'usr');
    this.#directory = join(daemon.directory, 'docker');
    mkdirSync(this.#directory);
    this.host = `unix://${this.#directory}/d.sock`;
    this.client = `${root}/bin/docker`;
    this.path = `${root}/bin:${root}/sbin:${process.env.PATH}`;
    const log = openSync(join(this.#directory, 'log'), 'w');
    // 20.10 would write a key into the machine's configuration; 28.5 has none, and does not know where it would be.
    const config = join(this.#directory, 'daemon.json');
    const key = { 'deprecated-key-path': join(this.#directory, 'key.json') };
    writeFileSync(config, JSON.stringify(version.startsWith('20.') ? key : {}));
    const words = [
      `--containerd=${daemon.address}`,
      `--data-root=${this.#directory}/data`,
      `--exec-root=${this.#directory}/exec`,
      `--pidfile=${this.#directory}/pid`,
      `--host=${this.host}`,
      `--userland-proxy-path=${root}/sbin/docker-proxy`,
      `--cgroup-parent=${this.cgroup}`,
      `--config-file=${config}`,
      ...args,
    ];
    // Its bridge and its rules must not be the machine's.
    const start = ['sh', '-c', 'ip link set lo up && exec dockerd "$@"', 'dockerd', ...words];
    const [command = '', ...rest] = sameNetwork ? start : ['unshare', '--net', '--', ...start];
    this.#process = spawn(command, rest, {
      env: { ...process.env, PATH: this.path, DOCKER_RAMDISK: '' },
      stdio: ['ignore', log, log],
    });
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** What runs a command in its network. */
  get network(): readonly string[] {
    return ['nsenter', '--net', '--target', String(this.#process.pid)];
  }

  static async start(daemon: DockersContainerd, options: DockerdOptions): Promise<Dockerd> {
    const dockerd = new Dockerd(daemon, options);
    for (let waited = 0; waited < bootTimeoutMs && dockerd.#process.exitCode === null; waited += 100) {
      if (/API listen on/.test(dockerd.log)) return dockerd;
      await wait(100);
    }
    const { log } = dockerd;
    await dockerd[Symbol.asyncDispose]();
    throw new Error(`dockerd does not start:\n${log}`);
  }

  get log(): string {
    return readFileSync(join(this.#directory, 'log'), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await gone;
    }
    const left = mountsBelow(this.#directory);
    if (left.length > 0) throw new Error(`dockerd left mounts: ${left.join(' ')}\n${this.log}`);
    for (const hierarchy of readdirSync('/sys/fs/cgroup')) {
      const group = join('/sys/fs/cgroup', hierarchy, this.cgroup);
      if (existsSync(group)) rmdirSync(group);
    }
  }
}
