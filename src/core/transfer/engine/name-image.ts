import { isFault } from '#base/errors';
import type { Descriptor } from '#core/descriptor';
import type { Image, ImageStore } from '#core/images/images';
import type { Scope } from '#core/scope';
import type { Naming } from '#core/transfer/transfer';

/** Writes an image's name, or moves it. Labels that it has and nobody mentions stay. */
export async function nameImage(images: ImageStore, scope: Scope, naming: Naming, target: Descriptor): Promise<Image> {
  const image = { ...naming, target };
  for (;;) {
    try {
      return await images.create(scope, image);
    } catch (error) {
      if (!isFault(error, 'already_exists')) throw error;
    }
    try {
      return await images.update(scope, image, ['target', ...Object.keys(naming.labels).map((key) => `labels.${key}`)]);
    } catch (error) {
      if (!isFault(error, 'not_found')) throw error; // removed in between: once more
    }
  }
}
