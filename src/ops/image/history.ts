import { notFound } from '#base/errors';
import type { Platform } from '#lib/platform';
import type { Engine } from '../engine.ts';
import { imageDetails, lacksPlatform } from './details.ts';
import { type FoundImage, familiarOf, referenceOf } from './find.ts';
import { TreeSizes } from './tree-size.ts';

/** A step of an image's making. */
export interface ImageStep {
  /** The image's own, for the last step; the others have none. */
  readonly id: string;
  readonly createdAt: Date | undefined;
  readonly createdBy: string;
  /** Unpacked. */
  readonly size: number;
  readonly comment: string;
  readonly tags: readonly string[];
}

/** How an image was made, the last step first; for this machine unless another platform is named. @throws not_found when nothing of it is here */
export async function imageHistory(
  engine: Engine,
  { image, names }: FoundImage,
  platform?: Platform,
): Promise<readonly ImageStep[]> {
  const details = await imageDetails(engine, image, platform);
  if (details === undefined && platform !== undefined) throw lacksPlatform(familiarOf(image.name), platform);
  if (details === undefined) throw notFound(`No such image: ${familiarOf(image.name)}`);
  const { config } = details;
  const sizes = await new TreeSizes(engine).ofLayers(config);
  // A builder that keeps no history still made layers.
  const entries = config.history.length > 0 ? config.history : config.diffIds.map(() => ({ created: config.created }));
  let layer = 0;
  const steps = entries.map((entry) => {
    const { created, createdBy = '', comment = '', emptyLayer = false } = entry as (typeof config.history)[number];
    const time = Date.parse(created ?? '');
    return {
      id: '',
      createdAt: Number.isNaN(time) ? undefined : new Date(time),
      createdBy,
      size: emptyLayer ? 0 : (sizes[layer++] ?? 0),
      comment,
      tags: [] as readonly string[],
    };
  });
  const tags = names.flatMap(({ name }) => (referenceOf(name)?.tag === undefined ? [] : [familiarOf(name)]));
  const last = steps.pop();
  return last === undefined ? [] : [{ ...last, id: image.target.digest, tags }, ...steps.reverse()];
}
