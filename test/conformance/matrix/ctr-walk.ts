import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { busyboxImage } from '#test/support/busybox-image';
import { startDaemon } from '#test/support/daemon';
import { DockerRegistry } from '#test/support/docker-registry';
import { writeOciArchive } from '#test/support/oci-archive';
import { PeerContainerd } from '#test/support/peer-containerd';
import { sampleImage } from '#test/support/sample-image';

const top = new URL('../../..', import.meta.url).pathname;
const script = join(top, 'test/conformance/ctr.sh');
const ours = join(top, 'dist/bin');
const shimName = 'containerd-shim-runc-v2';

/** Whose program: `berth`, or the containerd whose programs are in a directory. */
export interface Programs {
  readonly name: string;
  readonly bin: string;
}

export const berth: Programs = { name: 'berth', bin: ours };
/** Debian's own, which setup installs. */
export const debian: Programs = { name: '1.6.20', bin: '/usr/bin' };
/** Debian unstable's, which scripts/peers.sh unpacks. */
export const unstable: Programs = { name: '2.1.9', bin: join(top, 'build/peers/containerd/usr/bin') };

/** Which programs meet in a walk. */
export interface Meeting {
  readonly client: Programs;
  readonly daemon: Programs;
  readonly shim: Programs;
}

/** What a walk found. */
export interface Walked {
  readonly succeeded: number;
  /** A line for each check that failed. */
  readonly failed: readonly string[];
}

interface Daemon extends AsyncDisposable {
  readonly address: string;
  readonly directory: string;
  restart(): Promise<void>;
}

/** Drives test/conformance/ctr.sh: the whole life of images and containers, with a daemon of its own. @throws when that does not start or leaves something */
export async function walkCtr({ client, daemon: programs, shim }: Meeting): Promise<Walked> {
  using folder = temporary();
  const shimPath = realpathSync(join(shim.bin, shimName));
  symlinkSync(shimPath, join(folder.path, shimName));
  await using daemon = await startIn(folder.path, programs);
  await using mirror = await DockerRegistry.start();
  await using registry = await DockerRegistry.start('/tmp', { user: 'user', password: 'secret' });
  const work = join(folder.path, 'work');
  mkdirSync(work);
  const archive = join(folder.path, 'nginx.tar');
  const image = busyboxImage();
  writeOciArchive(archive, 'docker.io/library/nginx:alpine', {
    'linux/amd64': image,
    'linux/arm64': sampleImage(image.layers, { architecture: 'arm64' }),
  });
  const restart = join(folder.path, 'restart');
  await using _ = await restartServer(daemon, restart);
  const child = Bun.spawn(['sh', script], {
    env: {
      ...process.env,
      CTR: join(client.bin, 'ctr'),
      CONTAINERD_ADDRESS: daemon.address,
      CLIENT: client.name,
      DAEMON: programs.name,
      SHIM: shimPath,
      ARCHIVE: archive,
      MIRROR: `http://${mirror.host}`,
      PRIVATE: registry.host,
      WORK: work,
      RESTART: `sh ${restart}`,
    },
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const lines = (await new Response(child.stdout).text()).split('\n');
  const failed = lines.filter((line) => line !== '' && !line.startsWith('ok '));
  const code = await child.exited;
  if (failed.length === 0 && code !== 0) failed.push(`the script ended with ${code}`);
  return { failed, succeeded: lines.filter((line) => line.startsWith('ok ')).length };
}

/** A daemon that finds the shim which lies in the directory. */
async function startIn(directory: string, { name, bin }: Programs): Promise<Daemon> {
  if (name !== berth.name) return PeerContainerd.start({ bin, path: [directory] });
  const executable = join(directory, 'containerd'); // it looks for shims beside itself first
  try {
    linkSync(join(bin, 'containerd'), executable);
  } catch {
    copyFileSync(join(bin, 'containerd'), executable); // another file system
  }
  return startDaemon({ built: true, executable });
}

function temporary(): Disposable & { readonly path: string } {
  const path = mkdtempSync('/tmp/berth-walk-');
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A script that has this process restart the daemon, and waits until it has. */
async function restartServer(daemon: Daemon, path: string): Promise<AsyncDisposable> {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async () => {
      await daemon.restart();
      return new Response('done');
    },
  });
  writeFileSync(path, `exec ${process.execPath} -e 'await fetch("http://127.0.0.1:${server.port}/")'\n`);
  return { [Symbol.asyncDispose]: () => server.stop(true) };
}
