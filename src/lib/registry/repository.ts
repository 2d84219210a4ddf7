import { fault, isFault, notFound, notImplemented } from '#base/errors';
import { algorithmOf, type Digest, digestOf, isDigest } from '../digest.ts';
import { type BlobDescriptor, streamBlob } from './blob-stream.ts';
import type { Capability, RegistryHost } from './host.ts';
import { combine, type HostFailure } from './host-failures.ts';
import { HostSession, type SessionOptions } from './host-session.ts';
import type { HttpResponse } from './http.ts';
import { RegistryError } from './registry-error.ts';
import { statusFault } from './status-fault.ts';
import { type BlobSource, Upload, type UploadResult } from './upload.ts';

/** `docker.io` and `library/busybox`. */
export interface RepositoryName {
  readonly registry: string;
  readonly path: string;
}

export interface ResolvedDescriptor {
  /** Empty when the registry did not say anything of use. */
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** The largest manifest or index that is read. */
export const maxManifestBytes = 4 * 1024 * 1024;

/** What `resolve` accepts, in order of preference. */
export const manifestMediaTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

const schema1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

/**
 * One repository during one transfer, on whichever of its hosts answers: mirrors first, the registry itself last. A host that
 * fails is left for the next one; when all fail the error tells what each of them said.
 */
export class Repository {
  readonly name: RepositoryName;
  readonly #sessions: readonly HostSession[];
  readonly #options: SessionOptions;

  constructor(name: RepositoryName, hosts: readonly RegistryHost[], options: SessionOptions) {
    this.name = name;
    this.#options = options;
    this.#sessions = hosts.map((host) => new HostSession(host, name.registry, name.path, options));
  }

  /**
   * Finds out what a tag or digest stands for, without reading it where the registry says enough in its headers.
   * @throws not_found; unauthenticated or permission_denied; not_implemented for Docker's schema 1; unavailable
   */
  async resolve(tagOrDigest: string, signal: AbortSignal): Promise<ResolvedDescriptor> {
    const reference = `${this.name.registry}/${this.name.path}${isDigest(tagOrDigest) ? '@' : ':'}${tagOrDigest}`;
    const accept = [...manifestMediaTypes, '*/*'].join(', ');
    return this.#first('resolve', reference, async (session, attempts) => {
      const ask = (method: string) =>
        session.request({
          method,
          target: `manifests/${tagOrDigest}`,
          headers: { accept },
          scopes: this.#scopes('pull'),
          signal,
          attempts,
        });
      let response = await ask('HEAD');
      const known = response.status === 200 ? readHead(response, tagOrDigest) : undefined;
      await response.discard();
      if (known !== undefined) return known;
      // Some servers know no HEAD, leave out the digest, or put the reason for a refusal into a body.
      const method = response.status === 404 ? 'HEAD' : 'GET';
      if (method === 'GET') response = await ask('GET');
      if (response.status !== 200) throw await refusal(response, method, reference);
      return readWhole(response, tagOrDigest);
    });
  }

  /**
   * What the repository has under a digest: a blob, or else a manifest. With a media type, the server is told that it is wanted as such.
   * @throws not_found; as `resolve`
   */
  async find(
    digest: Digest,
    mediaType: string,
    signal: AbortSignal,
  ): Promise<BlobDescriptor & { readonly isManifest: boolean }> {
    const size = await this.#first('pull', digest, async (session, attempts) => {
      const response = await session.request({
        method: 'HEAD',
        target: `blobs/${digest}`,
        headers: { accept: mediaType === '' ? '*/*' : `${mediaType}, */*` },
        scopes: this.#scopes('pull'),
        signal,
        attempts,
      });
      await response.discard();
      const length = response.headers['content-length'];
      if (response.status === 200 && length !== undefined) return Number(length);
      if (response.status === 404) return undefined;
      throw await refusal(response, 'HEAD', digest);
    });
    if (size !== undefined) return { mediaType, digest, size, isManifest: false };
    return { ...(await this.resolve(digest, signal)), isManifest: true };
  }

  /** Reads a manifest or index, verified. @throws not_found; failed_precondition when size or digest differ; and as `resolve` */
  async manifest(descriptor: BlobDescriptor, signal: AbortSignal): Promise<Buffer> {
    const { digest, mediaType, size } = descriptor;
    if (size > maxManifestBytes)
      throw fault('resource_exhausted', `manifest ${digest} has ${size} bytes, more than ${maxManifestBytes}`);
    return this.#first('pull', digest, async (session, attempts) => {
      const response = await session.request({
        method: 'GET',
        target: `manifests/${digest}`,
        headers: { accept: `${mediaType}, */*` },
        scopes: this.#scopes('pull'),
        signal,
        attempts,
      });
      if (response.status !== 200) throw await refusal(response, 'GET', digest);
      const body = await response.bytes(maxManifestBytes);
      if (body.length !== size || digestOf(body, algorithmOf(digest)) !== digest)
        throw fault('failed_precondition', `${session.host.host} sent something else than manifest ${digest}`);
      return body;
    });
  }

  /**
   * The blob's bytes from `offset` on, going on elsewhere or later when a connection breaks. Exactly `size - offset` bytes (or up to `until`), or an error;
   * the digest is for the caller to check. @throws not_found; failed_precondition when the size is another; as `resolve`
   */
  blob(
    descriptor: BlobDescriptor,
    offset: number,
    signal: AbortSignal,
    until?: number,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    return streamBlob(descriptor, offset, {
      ...(until !== undefined && { until }),
      sessions: this.#sessions.filter((session) => session.host.capabilities.has('pull')),
      session: this.#options,
      scopes: this.#scopes('pull'),
      signal,
    });
  }

  /** True when the repository has a manifest with that digest under the tag (or at all, with a digest). */
  async hasManifest(tagOrDigest: string, digest: Digest, signal: AbortSignal): Promise<boolean> {
    const response = await this.#pushHost().request({
      method: 'HEAD',
      target: `manifests/${tagOrDigest}`,
      headers: { accept: [...manifestMediaTypes, '*/*'].join(', ') },
      scopes: this.#scopes('pull,push'),
      signal,
    });
    await response.discard();
    return response.status === 200 && response.headers['docker-content-digest'] === digest;
  }

  /**
   * Uploads a blob, unless the repository has it or can take it from `mountFrom`, another repository of the same registry.
   * @throws unauthenticated or permission_denied; unavailable; what the source throws
   */
  pushBlob(
    descriptor: BlobDescriptor,
    source: BlobSource,
    options: { readonly mountFrom?: string | undefined; readonly signal: AbortSignal },
  ): Promise<UploadResult> {
    const scopes = this.#scopes('pull,push');
    const { mountFrom } = options;
    const from = mountFrom === undefined || mountFrom === this.name.path ? undefined : mountFrom;
    const upload = new Upload(this.#pushHost(), descriptor, source, {
      scopes: from === undefined ? scopes : [...scopes, `repository:${from}:pull`],
      mountFrom: from,
      retry: this.#options.retry,
      signal: options.signal,
    });
    return upload.run();
  }

  /** Stores a manifest or index; what it names must be there. @throws as `pushBlob` */
  async pushManifest(
    tagOrDigest: string,
    descriptor: BlobDescriptor,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const response = await this.#pushHost().request({
      method: 'PUT',
      target: `manifests/${tagOrDigest}`,
      headers: { 'content-type': descriptor.mediaType },
      body,
      scopes: this.#scopes('pull,push'),
      signal,
    });
    if (response.status !== 201 && response.status !== 200 && response.status !== 202)
      throw await statusFault(response, 'PUT');
    await response.discard();
    const stored = response.headers['docker-content-digest'];
    if (typeof stored === 'string' && stored !== descriptor.digest)
      throw fault('failed_precondition', `registry stored manifest ${descriptor.digest} as ${stored.slice(0, 200)}`);
  }

  #scopes(actions: string): readonly string[] {
    return [`repository:${this.name.path}:${actions}`];
  }

  #pushHost(): HostSession {
    const session = this.#sessions.find((candidate) => candidate.host.capabilities.has('push'));
    if (session === undefined) throw notFound(`no host of ${this.name.registry} takes pushes`);
    return session;
  }

  async #first<T>(
    capability: Capability,
    subject: string,
    work: (session: HostSession, attempts: number) => Promise<T>,
  ): Promise<T> {
    const sessions = this.#sessions.filter((session) => session.host.capabilities.has(capability));
    const failures: HostFailure[] = [];
    for (const [index, session] of sessions.entries()) {
      try {
        // Where somebody else can be asked, waiting for a host that is unwell is not worth it.
        return await work(session, index < sessions.length - 1 ? 2 : this.#options.retry.attempts);
      } catch (error) {
        if (isFault(error, 'canceled') || isFault(error, 'deadline_exceeded')) throw error;
        failures.push({ host: session.host.host, error });
      }
    }
    throw combine(failures, subject);
  }
}

function readHead(response: HttpResponse, tagOrDigest: string): ResolvedDescriptor | undefined {
  const mediaType = mediaTypeOf(response);
  const digest = response.headers['docker-content-digest'];
  const length = response.headers['content-length'];
  if (typeof digest !== 'string' || !isDigest(digest) || length === undefined || !/^\d+$/.test(length))
    return undefined;
  if (isDigest(tagOrDigest) && digest !== tagOrDigest) return undefined; // the body will tell
  if (!(manifestMediaTypes as readonly string[]).includes(mediaType)) return undefined;
  return { mediaType, digest, size: Number(length) };
}

async function readWhole(response: HttpResponse, tagOrDigest: string): Promise<ResolvedDescriptor> {
  const declared = mediaTypeOf(response);
  const body = await response.bytes(maxManifestBytes);
  const digest = digestOf(body, isDigest(tagOrDigest) ? algorithmOf(tagOrDigest) : 'sha256');
  const promised = isDigest(tagOrDigest) ? tagOrDigest : response.headers['docker-content-digest'];
  if (typeof promised === 'string' && promised.startsWith('sha256:') && promised !== digest)
    throw fault('failed_precondition', `${response.url.host} promised ${promised.slice(0, 200)} and sent ${digest}`);
  const known = (manifestMediaTypes as readonly string[]).includes(declared);
  return { mediaType: known ? declared : (mediaTypeIn(body) ?? declared), digest, size: body.length };
}

/** The `mediaType` that a manifest states itself, for servers that call everything JSON. */
function mediaTypeIn(body: Buffer): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const members = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Record<string, unknown>;
  if (members.schemaVersion === 1) throw refuseSchema1();
  if (typeof members.mediaType === 'string' && members.mediaType !== '') return members.mediaType;
  if (Array.isArray(members.manifests)) return manifestMediaTypes[0];
  return Array.isArray(members.layers) ? manifestMediaTypes[2] : undefined;
}

function mediaTypeOf(response: HttpResponse): string {
  const mediaType = (response.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (schema1.test(mediaType)) throw refuseSchema1();
  return mediaType;
}

function refuseSchema1(): Error {
  return notImplemented(
    'Docker image manifest version 2, schema 1 is no longer supported; push the image again with a newer tool',
  );
}

async function refusal(response: HttpResponse, method: string, subject: string): Promise<Error> {
  if (response.status === 404) {
    await response.discard();
    return new RegistryError(404, response.url.host, subject);
  }
  if (response.status === 401 || response.status === 403)
    return statusFault(response, method, 'pull access denied, repository does not exist or may require authorization');
  return statusFault(response, method);
}
