import { Images } from '#api/services/images/v1/images_pb';
import type { ImageStore } from '#core/images/images';
import type { Scope } from '#core/scope';
import type { Digest } from '#lib/digest';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { descriptorToWire, maskToWire } from '../values.ts';
import { epochToWire, imageFromWire, newImageToWire } from './convert.ts';

/** A daemon's image store. */
export interface RemoteImages extends ImageStore {
  /** With `sync`, returns when a collection has run. */
  delete(scope: Scope, name: string, options?: { readonly target?: Digest; readonly sync?: boolean }): Promise<void>;
}

export function remoteImages(transport: Transport): RemoteImages {
  const client = clientOf(Images, transport);
  return {
    get: async (scope, name) => imageFromWire((await client.get({ name }, withScope(scope))).image),
    list: async (scope, filters = []) => {
      const { images } = await client.list({ filters: [...filters] }, withScope(scope));
      return images.map(imageFromWire);
    },
    create: async (scope, image) => {
      const request = { image: newImageToWire(image), ...epochToWire(image) };
      return imageFromWire((await client.create(request, withScope(scope))).image);
    },
    update: async (scope, image, fields) => {
      const request = { image: newImageToWire(image), ...maskToWire(fields), ...epochToWire(image) };
      return imageFromWire((await client.update(request, withScope(scope))).image);
    },
    delete: async (scope, name, { target, sync = false } = {}) => {
      const only = target === undefined ? {} : { target: descriptorToWire({ mediaType: '', digest: target, size: 0 }) };
      await client.delete({ name, sync, ...only }, withScope(scope));
    },
  };
}
