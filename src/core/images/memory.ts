import { alreadyExists, notFound } from '#base/errors';
import { now } from '#base/timestamp';
import type { Scope } from '#core/scope';
import { parseFilters } from '#lib/filters/filter';
import { checkImageName, createdImage, imageFields, updatedImage } from './image-change.ts';
import type { Image, ImageStore } from './images.ts';

/** Images that are forgotten with the process: for tests and tools. */
export function memoryImages(): ImageStore {
  const spaces = new Map<string, Map<string, Image>>();
  const within = (scope: Scope) =>
    spaces.get(scope.namespace) ?? spaces.set(scope.namespace, new Map()).get(scope.namespace)!;
  const get = (scope: Scope, name: string): Image => {
    const image = within(scope).get(name);
    if (image === undefined) throw notFound(`image ${JSON.stringify(name)}`);
    return image;
  };
  const put = (scope: Scope, image: Image): Image => {
    within(scope).set(image.name, image);
    return image;
  };
  return {
    get: async (scope, name) => get(scope, name),
    async list(scope, filters = []) {
      const filter = parseFilters(filters);
      return [...within(scope).values()]
        .filter((image) => filter.match(imageFields(image)))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async create(scope, given) {
      const image = createdImage(given, now());
      if (within(scope).has(image.name)) throw alreadyExists(`image ${JSON.stringify(image.name)}`);
      return put(scope, image);
    },
    async update(scope, given, fields = []) {
      checkImageName(given.name);
      return put(scope, updatedImage(get(scope, given.name), given, fields, now()));
    },
    async delete(scope, name, options = {}) {
      const { target } = get(scope, name);
      if (options.target !== undefined && options.target !== target.digest) {
        throw notFound(`image ${JSON.stringify(name)} with target ${options.target}`);
      }
      within(scope).delete(name);
    },
  };
}
