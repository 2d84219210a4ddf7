import { listContainers } from '../container/list.ts';
import type { Engine } from '../engine.ts';
import { Filters } from '../filters.ts';
import { imageDetails } from './details.ts';
import { familiarOf } from './find.ts';
import { listImages } from './list.ts';
import { TreeSizes } from './tree-size.ts';

export const imagePruneFilters = ['dangling', 'label', 'label!', 'until'] as const;

export interface PruneImagesOptions {
  /** All that no container is of, instead of those without a tag. */
  readonly all?: boolean;
  readonly filters?: Filters;
}

export interface PrunedImages {
  readonly untagged: readonly string[];
  readonly deleted: readonly string[];
  /** Bytes, packed and unpacked, as far as no other image has them. */
  readonly reclaimed: number;
}

/** Removes images that nobody needs. */
export async function pruneImages(
  engine: Engine,
  { all = false, filters = new Filters(new Map()) }: PruneImagesOptions = {},
): Promise<PrunedImages> {
  const { client, scope } = engine;
  const unused = all || filters.yesNo('dangling') === false;
  const rest = new Map(
    ['label', 'label!', 'until'].map((key) => [key, filters.all(key)] as const).filter(([, { length }]) => length > 0),
  );
  const images = await listImages(engine, { filters: new Filters(rest) });
  const used = new Set((await listContainers(engine, { all: true })).map(({ imageName }) => imageName));
  const doomed = images.filter(({ image, tag }) => !used.has(image.name) && (unused || tag === ''));
  const kept = new Set(images.filter((each) => !doomed.includes(each)).map(({ id }) => id));
  const reclaimed = await sizeOf(
    engine,
    doomed.filter(({ id }) => !kept.has(id)),
    images.filter((each) => !doomed.includes(each)),
  );
  for (const [at, { image }] of doomed.entries())
    await client.images.delete(scope, image.name, { sync: at === doomed.length - 1 });
  const gone = new Set(doomed.map(({ id }) => id).filter((id) => !kept.has(id)));
  return { untagged: doomed.map(({ image }) => familiarOf(image.name)), deleted: [...gone], reclaimed };
}

type Listed = Awaited<ReturnType<typeof listImages>>[number];

/** Of what only these have: layers that others share stay. */
async function sizeOf(engine: Engine, gone: readonly Listed[], staying: readonly Listed[]): Promise<number> {
  const shared = new Set<string>();
  for (const { image } of staying) for (const blob of await blobsOf(engine, image)) shared.add(blob.key);
  const sizes = new Map<string, number>();
  for (const { image } of gone)
    for (const { key, size } of await blobsOf(engine, image)) if (!shared.has(key)) sizes.set(key, size);
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** Layers packed and unpacked. */
async function blobsOf(
  engine: Engine,
  image: Listed['image'],
): Promise<readonly { readonly key: string; readonly size: number }[]> {
  const details = await imageDetails(engine, image);
  if (details === undefined) return [];
  const trees = await new TreeSizes(engine).ofLayers(details.config);
  const { config, layers } = details.manifest;
  return [
    ...[config, ...layers].map(({ digest, size }) => ({ key: digest, size })),
    ...trees.map((size, at) => ({ key: `tree ${details.config.diffIds.slice(0, at + 1).join()}`, size })),
  ];
}
