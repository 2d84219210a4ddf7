import { invalidArgument, isFault, notFound } from '#base/errors';
import { silent } from '#base/log';
import type { RegistryOptions } from '#client/transfer';
import type { Scope } from '#core/scope';
import { parseDockerReference, withDefaultTag } from '#lib/docker-reference';
import { isIndexType } from '#lib/oci/media-types';
import { formatReference, type Reference } from '#lib/reference';
import type { Repository } from '#lib/registry/repository';

/** A document of a registry. */
export interface RemoteManifest {
  readonly name: string;
  readonly descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly document: Readonly<Record<string, unknown>>;
  /** Of an index, the manifests that it names, where they were asked for. */
  readonly members: readonly RemoteManifest[];
}

export interface RemoteManifestOptions {
  /** Fetch what an index names, too. */
  readonly members?: boolean;
  readonly registry?: RegistryOptions;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Reads a manifest or an index from its registry, without keeping it. @throws not_found in docker's words; what the registry says */
export async function remoteManifest(
  scope: Scope,
  word: string,
  { members = false, registry = {}, environment }: RemoteManifestOptions,
): Promise<RemoteManifest> {
  const reference = withDefaultTag(parseDockerReference(word));
  const name = formatReference(reference);
  const { clientRegistries } = await import('#client/local-transfer');
  using registries = clientRegistries(environment, silent);
  const repository = await registries.open({ ...registry, reference: name }, reference);
  try {
    return await read(repository, reference, scope, { members });
  } catch (thrown) {
    if (!isFault(thrown, 'not_found')) throw thrown;
    throw notFound(`no such manifest: ${name}`, thrown);
  }
}

const page = 1000;

/** All tags of a repository, in the registry's order. @throws invalid_argument for a name with a tag; what the registry says */
export async function remoteTags(
  scope: Scope,
  word: string,
  { registry = {}, environment }: Omit<RemoteManifestOptions, 'members'>,
): Promise<readonly string[]> {
  const { host, repository, tag, digest } = parseDockerReference(word);
  if (tag !== undefined || digest !== undefined) throw invalidArgument("tag can't be used with --all-tags/-a");
  const { clientRegistries } = await import('#client/local-transfer');
  using registries = clientRegistries(environment, silent);
  const found: string[] = [];
  for (let last = ''; ; ) {
    const query = { n: String(page), ...(last !== '' && { last }) };
    const question = { path: 'v2', target: `${repository}/tags/list`, query, signal: scope.signal };
    const { tags } = JSON.parse(
      (await registries.ask({ ...registry, reference: host }, host, question)).toString(),
    ) as { readonly tags?: readonly string[] | null };
    found.push(...(tags ?? []));
    if ((tags ?? []).length < page) return found;
    last = found.at(-1) ?? '';
  }
}

async function read(
  repository: Repository,
  reference: Reference,
  scope: Scope,
  { members }: { readonly members: boolean },
): Promise<RemoteManifest> {
  const found = await repository.resolve(reference.digest ?? reference.tag ?? '', scope.signal);
  const bytes = await repository.manifest(found, scope.signal);
  const document = JSON.parse(bytes.toString()) as RemoteManifest['document'];
  const { manifests } = document;
  const inner: RemoteManifest[] = [];
  if (members && isIndexType(found.mediaType) && Array.isArray(manifests))
    for (const { digest } of manifests as readonly { readonly digest: Reference['digest'] }[])
      if (digest !== undefined)
        inner.push(
          await read(repository, { host: reference.host, repository: reference.repository, digest }, scope, {
            members: false,
          }),
        );
  const { mediaType, digest, size } = found;
  return { name: formatReference(reference), descriptor: { mediaType, digest, size }, document, members: inner };
}
