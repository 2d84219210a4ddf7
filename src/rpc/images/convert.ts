import { create } from '@bufbuild/protobuf';
import type { Timestamp as WireTimestamp } from '@bufbuild/protobuf/wkt';
import { ImageSchema, type Image as WireImage } from '#api/services/images/v1/images_pb';
import { invalidArgument } from '#base/errors';
import type { Image, NewImage } from '#core/images/images';
import {
  descriptorToWire,
  someTimestampFromWire,
  timestampFromWire,
  timestampToWire,
  uncheckedDescriptorFromWire,
} from '../values.ts';

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
  const { name, labels, target } = newImageFromWire(wire);
  return {
    name,
    labels,
    target,
    createdAt: timestampFromWire(wire?.createdAt),
    updatedAt: timestampFromWire(wire?.updatedAt),
  };
}

/** Without the image's own times, which are the store's. The store checks the target. @throws invalid_argument for an absent image */
export function newImageFromWire(wire: WireImage | undefined, epoch?: WireTimestamp): NewImage {
  if (wire === undefined) throw invalidArgument('image is required');
  const sourceDate = someTimestampFromWire(epoch);
  const { name, labels, target } = wire;
  return { name, labels, target: uncheckedDescriptorFromWire(target), ...(sourceDate !== undefined && { sourceDate }) };
}

/** The source date of a request. */
export const epochToWire = ({ sourceDate }: NewImage): { readonly sourceDateEpoch?: WireTimestamp } =>
  sourceDate === undefined ? {} : { sourceDateEpoch: timestampToWire(sourceDate) };

export function newImageToWire({ name, labels, target }: NewImage): WireImage {
  return create(ImageSchema, { name, labels: { ...labels }, target: descriptorToWire(target) });
}
