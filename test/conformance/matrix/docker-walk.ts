import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fillBusyboxRoot } from '#test/support/busybox-image';
import { mountsBelow } from '#test/support/nothing-left';
import {
  type Daemon,
  type Programs,
  peers,
  programsWith,
  runScript,
  serveCommands,
  startWith,
  type Walked,
} from './walk.ts';

const script = new URL('../docker.sh', import.meta.url).pathname;
const bootTimeoutMs = 60_000;
const registryPort = 5000; // in the network namespace, which is ours alone

export interface DockerMeeting {
  /** The dockerd below build/peers. */
  readonly version: string;
  /** Whether its images are containerd's, and not its own. */
  readonly imagesInContainerd?: boolean;
  /** Its containerd, with the shim of the same. */
  readonly daemon: Programs;
}

/** Drives test/conformance/docker.sh against a dockerd with a containerd of its own. @throws when something does not start or stays */
export async function walkDocker({
  version,
  imagesInContainerd = false,
  daemon: whose,
}: DockerMeeting): Promise<Walked> {
  await using stack = new AsyncDisposableStack();
  const programs = stack.use(programsWith(whose));
  const daemon = stack.use(await startWith(programs.bin, whose));
  const work = join(daemon.directory, 'work');
  mkdirSync(work);
  const dockerd = stack.use(
    await Dockerd.start(daemon, version, imagesInContainerd ? ['--feature=containerd-snapshotter=true'] : []),
  );

  stack.use(await startRegistry(work, dockerd.network));
  const rootfs = join(work, 'rootfs.tar');
  packRoot(join(work, 'rootfs'), rootfs);
  const { commands } = stack.use(
    serveCommands(join(work, 'commands'), {
      restart: () => daemon.restart(),
      down: async () => void (await daemon.kill('SIGKILL')),
      up: () => daemon.start(),
    }),
  );
  return await runScript(script, {
    PATH: dockerd.path,
    DOCKER: `docker --host ${dockerd.host}`,
    CTR: join(programs.bin, 'ctr'),
    CONTAINERD_ADDRESS: daemon.address,
    SHIM: programs.shim,
    DAEMON: whose.name,
    ROOTFS: rootfs,
    REGISTRY: `127.0.0.1:${registryPort}`,
    NETNS: dockerd.network.join(' '),
    CGROUP: dockerd.cgroup,
    IMAGES: imagesInContainerd ? 'containerd' : 'graph',
    RESTART: commands.restart,
    DOWN: commands.down,
    UP: commands.up,
    WORK: work,
  });
}

/** All of busybox, and a user's entry. */
function packRoot(directory: string, archive: string): void {
  mkdirSync(directory);
  const names = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).split('\n');
  fillBusyboxRoot(
    directory,
    names.filter((name) => name !== '' && name !== 'busybox'),
  );
  writeFileSync(join(directory, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  execFileSync('tar', ['-C', directory, '-cf', archive, '.']);
}

/** A dockerd with a network namespace and directories of its own. Dispose ends it; a mount that stays is an error. */
class Dockerd implements AsyncDisposable {
  readonly host: string;
  readonly path: string;
  readonly cgroup = `/berth-docker-${process.pid}`;
  readonly #directory: string;
  readonly #process: ChildProcess;

  private constructor(daemon: Daemon, version: string, options: readonly string[]) {
    const root = join(peers, `docker-${version}`, 'usr');
    this.#directory = join(daemon.directory, 'docker');
    mkdirSync(this.#directory);
    this.host = `unix://${this.#directory}/d.sock`;
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
      ...options,
    ];
    // Its bridge and its rules must not be the machine's.
    const start = ['sh', '-c', 'ip link set lo up && exec dockerd "$@"', 'dockerd', ...words];
    this.#process = spawn('unshare', ['--net', '--', ...start], {
      env: { ...process.env, PATH: this.path, DOCKER_RAMDISK: '' },
      stdio: ['ignore', log, log],
    });
  }

  /** What runs a command in its network. */
  get network(): readonly string[] {
    return ['nsenter', '--net', '--target', String(this.#process.pid)];
  }

  static async start(daemon: Daemon, version: string, options: readonly string[]): Promise<Dockerd> {
    const dockerd = new Dockerd(daemon, version, options);
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

/** Debian's registry where dockerd can reach it, for one user. */
async function startRegistry(work: string, network: readonly string[]): Promise<AsyncDisposable> {
  const accounts = join(work, 'htpasswd');
  writeFileSync(accounts, `user:${await Bun.password.hash('secret', { algorithm: 'bcrypt', cost: 4 })}\n`);
  const config = join(work, 'registry.yml');
  const settings = [
    'version: 0.1',
    'log: {level: error}',
    `storage: {filesystem: {rootdirectory: ${join(work, 'registry')}}}`,
    `http: {addr: "127.0.0.1:${registryPort}"}`,
    `auth: {htpasswd: {realm: test, path: ${accounts}}}`,
  ];
  writeFileSync(config, `${settings.join('\n')}\n`);
  const [command = '', ...args] = [...network, 'docker-registry', 'serve', config];
  const child = spawn(command, args, { stdio: 'ignore' });
  return {
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
