import { type ExportImagesOptions, exportImages, importImages } from '#client/transfer';
import type { Image } from '#core/images/images';
import type { Platform } from '#lib/platform';
import type { Engine } from '../engine.ts';
import { imageDetails, lacksPlatform } from './details.ts';
import { findImage } from './find.ts';

export interface ArchiveOptions {
  /** Absent: for saving this machine's, or else whatever is here; for loading all that is there. */
  readonly platforms?: readonly Platform[] | 'all';
}

/** Images as one archive, which docker and others read. What an id means goes with all its names. @throws not_found before anything is read */
export async function saveImages(
  engine: Engine,
  words: readonly string[],
  { platforms }: ArchiveOptions = {},
): Promise<AsyncIterable<Uint8Array>> {
  const names = new Set<string>();
  for (const word of words) {
    const { image, names: all, byId } = await findImage(engine, word);
    for (const { name } of byId ? all : [image]) names.add(name);
    for (const platform of platforms === 'all' ? [] : (platforms ?? []))
      if ((await imageDetails(engine, image, platform)) === undefined) throw lacksPlatform(word, platform);
  }
  const wishes: ExportImagesOptions = platforms === undefined ? {} : { platforms };
  return exportImages(engine.client, engine.scope, [...names], wishes);
}

/** Takes in an archive that docker or others wrote, packed or not. The images, as they are called there. */
export async function loadImages(
  { client, scope, config }: Engine,
  archive: AsyncIterable<Uint8Array>,
  { platforms }: ArchiveOptions = {},
): Promise<readonly Image[]> {
  return await importImages(client, scope, archive, {
    snapshotter: config.snapshotter,
    platforms: platforms ?? 'all',
  });
}
