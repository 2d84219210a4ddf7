import type { Timestamp } from '#base/timestamp';
import type { Descriptor } from '#core/descriptor';
import type { Labels } from '#core/labels';
import type { Scope } from '#core/scope';
import type { Digest } from '#lib/digest';

/** A name for a manifest or an index. Names are any non-empty text; clients use normalised references. */
export interface Image {
  readonly name: string;
  readonly target: Descriptor;
  readonly labels: Labels;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}
export interface NewImage extends Pick<Image, 'name' | 'target' | 'labels'> {
  /** The time of the change instead of now, so that what is made from one source is the same whenever it is made. */
  readonly sourceDate?: Timestamp;
}

export interface ImageStore {
  /** @throws not_found (`image "x": not found`) */
  get(scope: Scope, name: string): Promise<Image>;
  /** Images that match any of the filters (name, target.digest, target.mediatype, labels.*, annotations.*), in order of name. */
  list(scope: Scope, filters?: readonly string[]): Promise<readonly Image[]>;
  /** @throws invalid_argument; already_exists */
  create(scope: Scope, image: NewImage): Promise<Image>;
  /** Changes `fields` (labels, labels.<k>, target, annotations, annotations.<k>); without fields all but the times. @throws not_found; invalid_argument */
  update(scope: Scope, image: NewImage, fields?: readonly string[]): Promise<Image>;
  /** With `target`, only if the image still points there. Its content goes at a later collection. @throws not_found */
  delete(scope: Scope, name: string, options?: { readonly target?: Digest }): Promise<void>;
}
