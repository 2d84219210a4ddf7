import { invalidArgument, isFault, notFound } from '#base/errors';
import { manifestsOf } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import { familiarString, parseDockerReference, withDefaultTag } from '#lib/docker-reference';
import { formatReference, type Reference } from '#lib/reference';
import type { Engine } from '../engine.ts';

/** An image that was looked for. */
export interface FoundImage {
  readonly image: Image;
  /** Everything that has a name for the same target, itself included. */
  readonly names: readonly Image[];
  /** It was meant by a digest or its beginning: all its names are. */
  readonly byId: boolean;
}

/**
 * The image that a word means: a name, as short as docker's users write them; a name with a digest; or the digest of its target, its manifest or its
 * configuration, or the beginning of one.
 *
 * @throws not_found (`No such image: x`), invalid_argument for a beginning that several have
 */
export async function findImage(engine: Engine, word: string): Promise<FoundImage> {
  const found = await findImageIfThere(engine, word);
  if (found === undefined) throw notFound(`No such image: ${word}`);
  return found;
}

/** The same, undefined when there is none. @throws invalid_argument */
export async function findImageIfThere(engine: Engine, word: string): Promise<FoundImage | undefined> {
  const named = await findByName(engine, word);
  if (named !== undefined) return { image: named, names: await namesOf(engine, named), byId: false };
  return await findByDigest(engine, word);
}

/** The image alone, which is cheaper. @throws invalid_argument */
export const imageIfThere = async (engine: Engine, word: string): Promise<Image | undefined> =>
  (await findByName(engine, word)) ?? (await findByDigest(engine, word))?.image;

async function findByName(engine: Engine, word: string): Promise<Image | undefined> {
  const reference = referenceOf(word);
  const named = reference === undefined ? undefined : await imageNamed(engine, nameOf(reference));
  // Names of other tools are taken as they are.
  return named ?? (await imageNamed(engine, word));
}

async function findByDigest(engine: Engine, word: string): Promise<FoundImage | undefined> {
  const { client, scope } = engine;
  const reference = referenceOf(word);
  const all = await client.images.list(scope);
  const image =
    reference?.digest === undefined ? await byDigest(engine, all, word) : byRepositoryDigest(all, reference);
  return image === undefined ? undefined : { image, names: sameTarget(all, image), byId: true };
}

/** The whole name that a short one stands for. @throws invalid_argument */
export const fullName = (word: string): string => nameOf(parseDockerReference(word));

/** The name in docker's short form; of a name that is no reference, the name. */
export function familiarOf(name: string): string {
  const reference = referenceOf(name);
  return reference === undefined ? name : familiarString(reference);
}

/** Undefined for what is none: images may have any names. */
export function referenceOf(word: string): Reference | undefined {
  try {
    return parseDockerReference(word);
  } catch (thrown) {
    if (!isFault(thrown, 'invalid_argument')) throw thrown;
    return undefined;
  }
}

const nameOf = (reference: Reference): string => formatReference(withDefaultTag(reference));

async function imageNamed({ client, scope }: Engine, name: string): Promise<Image | undefined> {
  try {
    return await client.images.get(scope, name);
  } catch (thrown) {
    if (isFault(thrown, 'not_found') || isFault(thrown, 'invalid_argument')) return undefined;
    throw thrown;
  }
}

const namesOf = ({ client, scope }: Engine, { target }: Image): Promise<readonly Image[]> =>
  client.images.list(scope, [`target.digest==${target.digest}`]);

const sameTarget = (all: readonly Image[], { target }: Image): readonly Image[] =>
  all.filter((each) => each.target.digest === target.digest);

function byRepositoryDigest(all: readonly Image[], { host, repository, digest }: Reference): Image | undefined {
  return all.find(({ name, target }) => {
    const own = referenceOf(name);
    return target.digest === digest && own?.host === host && own.repository === repository;
  });
}

async function byDigest(engine: Engine, all: readonly Image[], word: string): Promise<Image | undefined> {
  const prefix = word.startsWith('sha256:') ? word : `sha256:${word}`;
  if (!/^sha256:[0-9a-f]{1,64}$/.test(prefix)) return undefined;
  const targets = all.filter(({ target }) => target.digest.startsWith(prefix));
  const found = targets.length > 0 ? targets : await byParts(engine, all, prefix);
  if (new Set(found.map(({ target }) => target.digest)).size > 1)
    throw invalidArgument(`multiple IDs found with provided prefix: ${word}`);
  return found[0];
}

/** By a manifest below an index, or by a configuration. */
async function byParts({ client, scope }: Engine, all: readonly Image[], prefix: string): Promise<readonly Image[]> {
  const found: Image[] = [];
  for (const image of all) {
    const manifests = await manifestsOf(client.content, scope, image.target).catch((thrown: unknown) => {
      // What is not whole has no parts that could be meant.
      if (isFault(thrown, 'not_found') || isFault(thrown, 'invalid_argument') || isFault(thrown, 'not_implemented'))
        return [];
      throw thrown;
    });
    const isMeant = manifests.some(
      ({ descriptor, manifest }) => descriptor.digest.startsWith(prefix) || manifest.config.digest.startsWith(prefix),
    );
    if (isMeant) found.push(image);
  }
  return found;
}
