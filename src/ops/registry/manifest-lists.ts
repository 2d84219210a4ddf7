import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataLoss, invalidArgument, isFault, notFound } from '#base/errors';
import { silent } from '#base/log';
import type { RegistryOptions } from '#client/transfer';
import type { Layout } from '#core/engine/layout';
import type { Scope } from '#core/scope';
import { algorithmOf, type Digest, digestOf } from '#lib/digest';
import { parseDockerReference, withDefaultTag } from '#lib/docker-reference';
import { isIndexType, mediaTypes } from '#lib/oci/media-types';
import { formatReference } from '#lib/reference';

/** A manifest in a list that is being made. */
export interface ListedManifest {
  readonly ref: string;
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform: ListedPlatform;
}

/** As indexes have it. */
export interface ListedPlatform {
  readonly architecture: string;
  readonly os: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
  readonly variant?: string;
}

export interface ReachOptions {
  readonly registry: RegistryOptions;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const maxConfigBytes = 4 << 20;

/** Lists of manifests that are made on this machine, to be pushed: a directory each below the data root, with a file for each manifest. */
export class ManifestLists {
  readonly #directory: string;

  constructor({ store }: Pick<Layout, 'store'>) {
    this.#directory = join(store, 'manifests');
  }

  /** What a list has, by name; undefined when there is none. */
  async get(word: string): Promise<readonly ListedManifest[] | undefined> {
    const directory = this.#of(word);
    try {
      const files = (await readdir(directory)).sort();
      return await Promise.all(
        files.map(async (file) => JSON.parse(await readFile(join(directory, file), 'utf8')) as ListedManifest),
      );
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return undefined;
      throw thrown;
    }
  }

  async put(word: string, manifest: ListedManifest): Promise<void> {
    const directory = this.#of(word);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, fileName(manifest.ref)), JSON.stringify(manifest));
  }

  /** @throws not_found in docker's words */
  async remove(word: string): Promise<void> {
    if ((await this.get(word)) === undefined) throw notFound(`No such manifest: ${word}`);
    await rm(this.#of(word), { recursive: true, force: true });
  }

  #of(word: string): string {
    return join(this.#directory, fileName(fullReference(word)));
  }
}

/** The whole name of what a word means. @throws invalid_argument */
export const fullReference = (word: string): string => formatReference(withDefaultTag(parseDockerReference(word)));

const fileName = (reference: string): string => encodeURIComponent(reference);

/** A manifest of a registry as lists have it, with the platform that its configuration says. @throws not_found, invalid_argument for a list */
export async function manifestToList(scope: Scope, word: string, reach: ReachOptions): Promise<ListedManifest> {
  const reference = withDefaultTag(parseDockerReference(word));
  const name = formatReference(reference);
  const { clientRegistries } = await import('#client/local-transfer');
  using registries = clientRegistries(reach.environment, silent);
  const repository = await registries.open({ ...reach.registry, reference: name }, reference);
  const found = await repository.resolve(reference.digest ?? reference.tag ?? '', scope.signal).catch((thrown) => {
    throw isFault(thrown, 'not_found') ? notFound(`no such manifest: ${name}`, thrown) : thrown;
  });
  if (isIndexType(found.mediaType))
    throw invalidArgument(`manifest ${name} is a manifest list, and cannot be in another`);
  const { config } = JSON.parse((await repository.manifest(found, scope.signal)).toString()) as {
    readonly config: { readonly mediaType: string; readonly digest: Digest; readonly size: number };
  };
  if (config.size > maxConfigBytes)
    throw invalidArgument(`manifest ${name}: its configuration has ${config.size} bytes`);
  const parts: Uint8Array[] = [];
  for await (const part of repository.blob(config, 0, scope.signal)) parts.push(part);
  const bytes = Buffer.concat(parts);
  if (digestOf(bytes, algorithmOf(config.digest)) !== config.digest)
    throw dataLoss(`manifest ${name}: its configuration is not what its digest says`);
  const said = JSON.parse(bytes.toString()) as Partial<ListedPlatform>;
  const { mediaType, digest, size } = found;
  const { architecture = '', os = '', variant } = said;
  const platform = { architecture, os, ...(variant !== undefined && { variant }) };
  return { ref: name, mediaType, digest, size, platform };
}

/** The document of a list: OCI's, if its first manifest is. */
export function documentOf(manifests: readonly ListedManifest[]) {
  const isOci = manifests[0]?.mediaType.startsWith('application/vnd.oci.') === true;
  return {
    schemaVersion: 2,
    mediaType: isOci ? mediaTypes.ociIndex : mediaTypes.dockerManifestList,
    manifests: manifests.map(({ ref: _, ...descriptor }) => descriptor),
  };
}

/** Pushes a list; its manifests must be in that repository already. @throws invalid_argument for one that is not; what the registry says */
export async function pushList(
  scope: Scope,
  word: string,
  manifests: readonly ListedManifest[],
  reach: ReachOptions,
): Promise<Digest> {
  const reference = withDefaultTag(parseDockerReference(word));
  const name = formatReference(reference);
  for (const { ref } of manifests) {
    const { host, repository } = parseDockerReference(ref);
    if (host !== reference.host || repository !== reference.repository)
      throw invalidArgument(`manifest ${ref} is not in ${reference.host}/${reference.repository}: push it there first`);
  }
  const document = documentOf(manifests);
  const body = Buffer.from(JSON.stringify(document, null, 3));
  const digest = digestOf(body, 'sha256');
  const { clientRegistries } = await import('#client/local-transfer');
  using registries = clientRegistries(reach.environment, silent);
  const repository = await registries.open({ ...reach.registry, reference: name }, reference);
  const descriptor = { mediaType: document.mediaType, digest, size: body.length };
  await repository.pushManifest(reference.tag ?? digest, descriptor, body, scope.signal);
  return digest;
}
