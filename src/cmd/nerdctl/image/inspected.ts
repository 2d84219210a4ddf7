import { invalidArgument } from '#base/errors';
import { parsePlatform } from '#lib/platform';
import type { Engine } from '#ops/engine';
import type { FoundImage } from '#ops/image/find';
import { inspectImage, nativeImage } from '#ops/image/inspect';
import { asStructs } from '../format/structs.ts';

/** An image as `inspect` shows it in one of its modes. @throws invalid_argument for another mode; not_found */
export async function inspectedImage(
  engine: Engine,
  found: FoundImage,
  { mode, platform }: { readonly mode: string; readonly platform: string },
): Promise<unknown> {
  const wanted = platform === '' ? undefined : parsePlatform(platform);
  switch (mode) {
    case 'dockercompat':
      return asStructs('*dockercompat.Image', await inspectImage(engine, found, wanted));
    case 'native':
      return nativeImage(engine, found, wanted);
    default:
      throw invalidArgument(`unknown mode ${JSON.stringify(mode)}`);
  }
}
