import { notFound } from '#base/errors';
import { push, type RegistryOptions } from '#client/transfer';
import type { Image } from '#core/images/images';
import type { Observer } from '#core/transfer/progress';
import { familiarName, parseDockerReference } from '#lib/docker-reference';
import type { Platform } from '#lib/platform';
import type { Engine } from '../engine.ts';
import { familiarOf, fullName, referenceOf } from './find.ts';

export interface PushOptions {
  /** Absent: all that are here. */
  readonly platforms?: readonly Platform[] | 'all';
  /** Layers too that their makers do not want to be handed on. */
  readonly nonDistributable?: boolean;
  readonly registry?: RegistryOptions;
  readonly onProgress?: Observer;
}

/** The images that a push sends: the one of that name, or with `allTags` all of that repository. @throws not_found in docker's words */
export async function imagesToPush(
  { client, scope }: Engine,
  word: string,
  { allTags }: { readonly allTags: boolean },
): Promise<readonly Image[]> {
  const wanted = parseDockerReference(word);
  const name = fullName(word);
  const all = await client.images.list(scope);
  const found = all.filter((image) => {
    if (!allTags) return image.name === name;
    const own = referenceOf(image.name);
    return own?.tag !== undefined && own.host === wanted.host && own.repository === wanted.repository;
  });
  if (found.length > 0) return found;
  if (allTags || wanted.tag === undefined)
    throw notFound(`An image does not exist locally with the tag: ${familiarName(wanted)}`);
  throw notFound(`tag does not exist: ${familiarOf(name)}`);
}

/** Sends an image to where its name says. @throws what the registry says */
export async function pushImage(
  { client, scope }: Engine,
  { name }: Image,
  { platforms, nonDistributable = false, registry = {}, onProgress }: PushOptions = {},
): Promise<void> {
  await push(client, scope, name, {
    ...registry,
    ...(nonDistributable && { nonDistributable }),
    ...(platforms !== undefined && { platforms }),
    ...(onProgress !== undefined && { onProgress }),
  });
}
