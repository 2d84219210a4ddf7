import { isFault, notFound } from '#base/errors';
import { type PullImageOptions, pull, type RegistryOptions } from '#client/transfer';
import type { Image } from '#core/images/images';
import type { Observer } from '#core/transfer/progress';
import type { Platform } from '#lib/platform';
import type { Engine } from '../engine.ts';
import { familiarOf, findImageIfThere, fullName } from './find.ts';

export interface PullOptions {
  /** Absent: this machine's. */
  readonly platforms?: readonly Platform[] | 'all';
  /** Absent: what is for one platform only. */
  readonly unpack?: boolean;
  readonly registry?: RegistryOptions;
  readonly onProgress?: Observer;
}

/** What a pull brought. */
export interface PulledImage {
  readonly image: Image;
  /** It was there already, and is the same. */
  readonly upToDate: boolean;
}

/** Fetches an image by a name as docker's users write it. @throws invalid_argument for what is no name; what the registry says */
export async function pullImage(
  engine: Engine,
  word: string,
  { platforms, unpack, registry = {}, onProgress }: PullOptions = {},
): Promise<PulledImage> {
  const { client, scope, config } = engine;
  const name = fullName(word);
  const before = await findImageIfThere(engine, name);
  const wishes: PullImageOptions = {
    ...registry,
    snapshotter: config.snapshotter,
    unpack: unpack ?? platforms !== 'all',
    ...(platforms !== undefined && { platforms }),
    ...(onProgress !== undefined && { onProgress }),
  };
  const image = await pull(client, scope, name, wishes).catch((thrown: unknown) => {
    if (!isFault(thrown, 'not_found')) throw thrown;
    throw notFound(`manifest for ${familiarOf(name)} not found: manifest unknown`, thrown);
  });
  return { image, upToDate: before?.image.target.digest === image.target.digest };
}
