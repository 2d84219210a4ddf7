import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxImage } from '#test/support/busybox-image';
import { DockerRegistry } from '#test/support/docker-registry';
import { writeOciArchive } from '#test/support/oci-archive';
import { sampleImage } from '#test/support/sample-image';
import { berth, type Programs, programsWith, runScript, serveCommands, startWith, type Walked } from './walk.ts';

const script = new URL('../ctr.sh', import.meta.url).pathname;

/** Which programs meet in a walk. */
export interface Meeting {
  readonly client: Programs;
  readonly daemon: Programs;
  readonly shim: Programs;
}

/** Drives test/conformance/ctr.sh: the whole life of images and containers, with a daemon of its own. @throws when that does not start or leaves something */
export async function walkCtr({ client, daemon: whose, shim }: Meeting): Promise<Walked> {
  await using stack = new AsyncDisposableStack();
  const programs = stack.use(programsWith(shim));
  const daemon = stack.use(await startWith(programs.bin, whose));
  const mirror = stack.use(await DockerRegistry.start());
  const registry = stack.use(await DockerRegistry.start('/tmp', { user: 'user', password: 'secret' }));
  const work = join(daemon.directory, 'work');
  mkdirSync(work);
  const archive = join(work, 'nginx.tar');
  const image = busyboxImage();
  writeOciArchive(archive, 'docker.io/library/nginx:alpine', {
    'linux/amd64': image,
    'linux/arm64': sampleImage(image.layers, { architecture: 'arm64' }),
  });
  const { commands } = stack.use(serveCommands(join(work, 'commands'), { restart: () => daemon.restart() }));
  return await runScript(script, {
    CTR: join(client === berth ? programs.bin : client.bin, 'ctr'),
    CONTAINERD_ADDRESS: daemon.address,
    CLIENT: client.name,
    DAEMON: whose.name,
    SHIM: programs.shim,
    ARCHIVE: archive,
    MIRROR: `http://${mirror.host}`,
    PRIVATE: registry.host,
    WORK: work,
    RESTART: commands.restart,
  });
}
