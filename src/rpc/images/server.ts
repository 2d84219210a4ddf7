import { Images } from '#api/services/images/v1/images_pb';
import type { Collector } from '#core/gc/collector';
import type { ImageStore } from '#core/images/images';
import { parseDigest } from '#lib/digest';
import { defineService, type Service } from '../service.ts';
import { fieldsFromWire } from '../values.ts';
import { imageToWire, newImageFromWire } from './convert.ts';

/** The images service on a store; the collector runs when a deletion is to be synchronous. */
export function serveImages(store: ImageStore, collector: Collector): Service {
  return defineService(Images, {
    get: async ({ name }, { scope }) => ({ image: imageToWire(await store.get(scope, name)) }),
    list: async ({ filters }, { scope }) => ({ images: (await store.list(scope, filters)).map(imageToWire) }),
    create: async ({ image, sourceDateEpoch }, { scope }) => {
      const wanted = newImageFromWire(image, sourceDateEpoch);
      return { image: imageToWire(await store.create(scope, wanted)) };
    },
    update: async ({ image, updateMask, sourceDateEpoch }, { scope }) => {
      const wanted = newImageFromWire(image, sourceDateEpoch);
      return { image: imageToWire(await store.update(scope, wanted, fieldsFromWire(updateMask))) };
    },
    delete: async ({ name, sync, target }, { scope }) => {
      await store.delete(scope, name, target === undefined ? {} : { target: parseDigest(target.digest) });
      if (sync) await collector.collect(scope.signal);
      return {};
    },
  });
}
