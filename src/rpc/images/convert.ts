import { create } from '@bufbuild/protobuf';
import { ImageSchema, type Image as WireImage } from '#api/services/images/v1/images_pb';
import { invalidArgument } from '#base/errors';
import type { Image, NewImage } from '#core/images/images';
import { descriptorToWire, timestampFromWire, timestampToWire, uncheckedDescriptorFromWire } from '../values.ts';

export function imageToWire({ name, labels, target, createdAt, updatedAt }: Image): WireImage {
  return create(ImageSchema, {
    name,
    labels: { ...labels },
    target: descriptorToWire(target),
    createdAt: timestampToWire(createdAt),
    updatedAt: timestampToWire(updatedAt),
  });
}

/** @throws invalid_argument */
export function imageFromWire(wire: WireImage | undefined): Image {
  const image = newImageFromWire(wire);
  return { ...image, createdAt: timestampFromWire(wire?.createdAt), updatedAt: timestampFromWire(wire?.updatedAt) };
}

/** Without the times, which are the store's. The store checks the target. @throws invalid_argument for an absent image */
export function newImageFromWire(wire: WireImage | undefined): NewImage {
  if (wire === undefined) throw invalidArgument('image is required');
  return { name: wire.name, labels: wire.labels, target: uncheckedDescriptorFromWire(wire.target) };
}

export function newImageToWire({ name, labels, target }: NewImage): WireImage {
  return create(ImageSchema, { name, labels: { ...labels }, target: descriptorToWire(target) });
}
