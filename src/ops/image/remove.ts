import { fault } from '#base/errors';
import type { ContainerSummary } from '#core/engine/container-summary';
import type { Image } from '#core/images/images';
import { familiarName } from '#lib/docker-reference';
import { shortId } from '#lib/units';
import { listContainers } from '../container/list.ts';
import type { Engine } from '../engine.ts';
import { imageDetails, orNone } from './details.ts';
import { type FoundImage, familiarOf, findImage, referenceOf } from './find.ts';

export interface RemoveImageOptions {
  /** Also while stopped containers are of it, or by an id that several repositories have. */
  readonly force?: boolean;
  /** Does not wait until its content has gone. */
  readonly async?: boolean;
}

/** What became of it: names that are gone, and with the last of them the image. */
export interface RemovedImage {
  readonly untagged: readonly string[];
  readonly deleted: readonly string[];
}

/**
 * Takes a name from an image, or removes it with all its names when it was meant by an id. With the last name the image goes; what containers
 * need of it stays.
 *
 * @throws not_found; conflict in docker's words while containers are of it
 */
export async function removeImage(
  engine: Engine,
  word: string,
  { force = false, async = false }: RemoveImageOptions = {},
): Promise<RemovedImage> {
  const found = await findImage(engine, word);
  const { image, names, byId } = found;
  const isLast = byId || names.length <= 1;
  if (byId) refuseSeveralRepositories(found, word, force);
  if (isLast) await refuseWhileUsed(engine, found, word, force);
  const layers = isLast ? await layersOf(engine, image) : [];
  const gone = byId ? names : [image];
  for (const [at, { name }] of gone.entries())
    await engine.client.images.delete(engine.scope, name, { sync: !async && at === gone.length - 1 });
  const untagged = gone.map(({ name }) => familiarOf(name));
  if (!isLast) return { untagged, deleted: [] };
  return { untagged, deleted: [image.target.digest, ...layers] };
}

function refuseSeveralRepositories({ image, names }: FoundImage, word: string, force: boolean): void {
  const repositories = new Set(names.map(({ name }) => repositoryOf(name)));
  if (force || repositories.size <= 1) return;
  const short = word.startsWith('sha256:') ? shortId(word) : shortId(image.target.digest);
  throw fault(
    'conflict',
    `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
  );
}

async function refuseWhileUsed(
  engine: Engine,
  { image, names, byId }: FoundImage,
  word: string,
  force: boolean,
): Promise<void> {
  const own = new Set(names.map(({ name }) => name));
  const users = (await listContainers(engine, { all: true })).filter(({ imageName }) => own.has(imageName));
  const running = users.find(({ state }) => state !== 'exited' && state !== 'created');
  const id = shortId(image.target.digest);
  if (byId && running !== undefined)
    throw fault(
      'conflict',
      `conflict: unable to delete ${id} (cannot be forced) - image is being used by running container ${shortId(running.id)}`,
    );
  const [user] = running === undefined ? users : [running];
  if (user === undefined || force) return;
  throw fault('conflict', byId ? stoppedWords(id, user) : referenceWords(word, id, user));
}

const stoppedWords = (id: string, user: ContainerSummary): string =>
  `conflict: unable to delete ${id} (must be forced) - image is being used by stopped container ${shortId(user.id)}`;
const referenceWords = (word: string, id: string, user: ContainerSummary): string =>
  `conflict: unable to remove repository reference ${JSON.stringify(word)} (must force) - container ${shortId(user.id)} is using its referenced image ${id}`;

async function layersOf(engine: Engine, image: Image): Promise<readonly string[]> {
  const details = await orNone(imageDetails(engine, image));
  return details?.config.diffIds ?? [];
}

function repositoryOf(name: string): string {
  const reference = referenceOf(name);
  return reference === undefined ? name : familiarName(reference);
}
