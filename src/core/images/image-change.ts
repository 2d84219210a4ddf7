import { invalidArgument, wrap } from '#base/errors';
import type { Timestamp } from '#base/timestamp';
import { changedLabels, storedLabels } from '#core/labels';
import { parseDigest } from '#lib/digest';
import { type Adaptor, absent, field, mapField } from '#lib/filters/filter';
import type { Image, NewImage } from './images.ts';

/** What an image store keeps for a new image. @throws invalid_argument */
export function createdImage(given: NewImage, at: Timestamp): Image {
  const { name, target, labels, sourceDate = at } = given;
  return checked({ name, target, labels: storedLabels(labels), createdAt: sourceDate, updatedAt: sourceDate });
}

/** What it keeps after an update: `fields` as ImageStore.update has them. @throws invalid_argument */
export function updatedImage(current: Image, given: NewImage, fields: readonly string[], at: Timestamp): Image {
  const updatedAt = given.sourceDate ?? at;
  if (fields.length === 0) {
    return checked({ ...current, target: given.target, labels: storedLabels(given.labels), updatedAt });
  }
  let { target, labels } = current;
  for (const path of fields) {
    if (path === 'target') target = given.target;
    else if (path === 'labels' || path.startsWith('labels.')) labels = changedLabels(labels, given.labels, [path]);
    else if (path === 'annotations' || path.startsWith('annotations.')) {
      const wanted = given.target.annotations ?? {};
      target = { ...target, annotations: changedLabels(target.annotations ?? {}, wanted, [path], 'annotations') };
    } else
      throw invalidArgument(`cannot update ${JSON.stringify(path)} field on image ${JSON.stringify(current.name)}`);
  }
  return checked({ ...current, target, labels, updatedAt });
}

/** An image as filters see it. */
export const imageFields =
  (image: Image): Adaptor =>
  ([head, ...rest]) => {
    if (head === 'name') return field(image.name);
    if (head === 'labels') return mapField(rest, image.labels);
    if (head === 'annotations') return mapField(rest, image.target.annotations ?? {});
    if (head !== 'target') return absent;
    if (rest[0] === 'digest') return field(image.target.digest);
    return rest[0]?.toLowerCase() === 'mediatype' ? field(image.target.mediaType) : absent;
  };

/** @throws invalid_argument for no name */
export function checkImageName(name: string): void {
  if (name === '') throw invalidArgument('Image.Name required');
}

function checked(image: Image): Image {
  const { name, target } = image;
  checkImageName(name);
  try {
    parseDigest(target.digest);
  } catch (thrown) {
    throw wrap(thrown, 'Target.Digest');
  }
  if (!(target.size > 0)) throw invalidArgument('Target.Size must be greater than zero');
  if (target.mediaType === '') throw invalidArgument('Target.MediaType must be set');
  return image;
}
