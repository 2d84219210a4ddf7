import { join } from 'node:path';
import { busyboxImage } from '#test/support/busybox-image';
import { writeOciArchive } from '#test/support/oci-archive';
import type { Engine } from './engine.ts';
import { ctr } from './programs.ts';

/** The small image that containers are made of. */
export const image = 'example.com/bench/busybox:v1';

/** Puts the image into an engine's stores, unpacked. */
export async function importBusybox(engine: Engine, directory: string): Promise<void> {
  const archive = join(directory, 'busybox.tar');
  writeOciArchive(archive, image, { [platform]: busyboxImage() });
  await ctr(engine, 'image', 'import', archive);
}

export const removeBusybox = (engine: Engine): Promise<void> => ctr(engine, 'image', 'rm', '--sync', image);

/** runc and control groups know no daemons: ids of containers of two engines must differ. */
export const idAt = (engine: Engine, name: string): string => `${engine.name.replaceAll(/[^A-Za-z0-9]/g, '')}-${name}`;

/** A container that stays. */
export const runIdle = (engine: Engine, id: string): Promise<void> =>
  ctr(engine, 'run', '-d', image, id, 'sleep', '100000');

export async function removeContainer(engine: Engine, id: string): Promise<void> {
  await ctr(engine, 'task', 'rm', '-f', id);
  await ctr(engine, 'container', 'rm', id);
}

const platform = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
