import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fillBusyboxRoot } from '#test/support/busybox-image';
import { Dockerd } from '#test/support/dockerd';
import { type Programs, programsWith, runScript, serveCommands, startWith, type Walked } from './walk.ts';

const script = new URL('../docker.sh', import.meta.url).pathname;
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
    await Dockerd.start(daemon, { version, args: imagesInContainerd ? ['--feature=containerd-snapshotter=true'] : [] }),
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
