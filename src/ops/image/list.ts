import { notFound } from '#base/errors';
import type { Image } from '#core/images/images';
import { familiarName, familiarString } from '#lib/docker-reference';
import { defaultPlatform, formatPlatform, onlyPlatform } from '#lib/platform';
import type { Engine } from '../engine.ts';
import { Filters } from '../filters.ts';
import { contentSize, imageDetails } from './details.ts';
import { findImageIfThere, referenceOf } from './find.ts';
import { globMatcher } from './glob.ts';
import { TreeSizes } from './tree-size.ts';

/** One name of an image, as lists show it. */
export interface ImageSummary {
  readonly image: Image;
  /** docker's short form without tag and digest; of a name that is no reference, the name. */
  readonly repository: string;
  /** Empty for none. */
  readonly tag: string;
  /** The digest of what the name points at: the image's id. */
  readonly id: string;
  readonly createdAt: Date | undefined;
  /** Unpacked; packed, where it is not unpacked. */
  readonly size: number;
  readonly contentSize: number;
  /** Empty when nothing that can be run is here. */
  readonly platform: string;
  readonly labels: Readonly<Record<string, string>>;
}

export const imageFilters = ['before', 'dangling', 'label', 'label!', 'reference', 'since', 'until'] as const;

export interface ListImagesOptions {
  readonly filters?: Filters;
  /** Only of this repository, or of this name. */
  readonly name?: string;
}

/** Images by name, those made last first. @throws not_found for an image that `before` or `since` names; invalid_argument for bad filters */
export async function listImages(
  engine: Engine,
  { filters = new Filters(new Map()), name = '' }: ListImagesOptions = {},
): Promise<readonly ImageSummary[]> {
  const { client, scope, config } = engine;
  const dangling = filters.yesNo('dangling');
  const until = filters.moment('until');
  const [before, since] = [await madeAt(engine, filters, 'before'), await madeAt(engine, filters, 'since')];
  const patterns = [...filters.all('reference')].map(globMatcher);
  const wanted = name === '' ? undefined : globMatcher(name);
  const sizes = new TreeSizes(engine);
  const found: ImageSummary[] = [];
  for (const image of await client.images.list(scope)) {
    if (config.kubeHideDupe && isKubeletsName(image)) continue;
    if (wanted !== undefined && !wanted(namesOf(image))) continue;
    if (patterns.length > 0 && !patterns.some((matches) => matches(namesOf(image)))) continue;
    const one = await summarize(engine, sizes, image);
    if (dangling !== undefined && dangling !== (one.tag === '')) continue;
    if (!filters.labels({ ...image.labels, ...one.labels })) continue;
    const time = one.createdAt?.getTime() ?? 0;
    if (before.some((at) => time >= at) || since.some((at) => time <= at)) continue;
    if (until !== undefined && time >= until.seconds * 1000) continue;
    found.push(one);
  }
  return found.sort((a, b) => (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0));
}

/** The kubelet gives each image two further names: its digest, and its repository's with the digest. */
const isKubeletsName = ({ name, labels }: Image): boolean =>
  labels['io.cri-containerd.image'] === 'managed' && (/^sha256:[0-9a-f]{64}$/.test(name) || name.includes('@sha256:'));

async function madeAt(engine: Engine, filters: Filters, key: string): Promise<readonly number[]> {
  const times: number[] = [];
  for (const word of filters.all(key)) {
    const found = await findImageIfThere(engine, word);
    if (found === undefined) throw notFound(`No such image: ${word}`);
    const details = await imageDetails(engine, found.image);
    times.push(Date.parse(details?.config.created ?? '') || 0);
  }
  return times;
}

/** What patterns may match: the repository, and the whole name. */
function namesOf({ name }: Image): readonly string[] {
  const reference = referenceOf(name);
  if (reference === undefined) return [name];
  return [familiarName(reference), familiarString(reference), name];
}

async function summarize(engine: Engine, sizes: TreeSizes, image: Image): Promise<ImageSummary> {
  const reference = referenceOf(image.name);
  const details = await imageDetails(engine, image);
  const platforms = onlyPlatform(details?.platform ?? defaultPlatform());
  const packed = await contentSize(engine, image, platforms);
  const unpacked = details === undefined ? 0 : await sizes.of(details.config);
  const created = Date.parse(details?.config.created ?? '');
  return {
    image,
    repository: reference === undefined ? image.name : familiarName(reference),
    tag: reference?.tag ?? '',
    id: image.target.digest,
    createdAt: Number.isNaN(created) ? undefined : new Date(created),
    size: unpacked || packed,
    contentSize: packed,
    platform: details === undefined ? '' : formatPlatform(details.platform),
    labels: details?.config.config.labels ?? {},
  };
}
