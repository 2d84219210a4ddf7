import { invalidArgument } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import { readBlob } from '#core/images/image-content';
import type { Scope } from '#core/scope';
import type { Limiter } from '#core/transfer/limiter';
import type { ProgressBoard } from '#core/transfer/progress';
import { childrenOf, refKey, sourceLabel, withSource } from '#core/transfer/references';
import { decodeManifestOrIndex, maxManifestBytes } from '#lib/oci/manifest';
import { isForeignLayer, isIndexType, isManifestType } from '#lib/oci/media-types';
import type { Platform } from '#lib/platform';
import type { Repository } from '#lib/registry/repository';
import { choose } from './platform-choice.ts';
import { together } from './together.ts';

export interface PushParts {
  readonly content: ContentStore;
  readonly repository: Repository;
  readonly uploads: Limiter;
  readonly platforms: readonly Platform[];
  /** Layers that are not to be distributed, too. */
  readonly nonDistributable: boolean;
  readonly board: ProgressBoard;
}

const maxDepth = 8;
const readBytes = 1 << 20;

/** Sends one image: what a document refers to goes before the document, so that the registry never has one that is incomplete. */
export class Push {
  readonly #parts: PushParts;
  readonly #sent = new Map<string, Promise<void>>();

  constructor(parts: PushParts) {
    this.#parts = parts;
  }

  /** `object`: the tag or digest under which the target is stored. @throws not_found for content that is not here; as `Repository.pushBlob` */
  async run(scope: Scope, target: Descriptor, object: string, name: string): Promise<void> {
    await this.#document(scope, target, object, [], name);
  }

  async #document(
    scope: Scope,
    descriptor: Descriptor,
    object: string,
    path: readonly string[],
    parent: string,
  ): Promise<void> {
    if (path.includes(descriptor.digest) || path.length > maxDepth)
      throw invalidArgument(`image nests indexes too deeply at ${descriptor.digest}`);
    const { content, repository, board, platforms } = this.#parts;
    const key = refKey(descriptor);
    board.set(key, { event: 'waiting', parents: [parent], total: descriptor.size, descriptor });
    const bytes = await readBlob(content, scope, descriptor, maxManifestBytes);
    const document = decodeManifestOrIndex(bytes, descriptor.mediaType);
    const children =
      document.kind === 'index'
        ? choose(descriptor, document.manifests, { platforms, manifestLimit: 0 })
        : childrenOf(document);
    await together(scope, (inner) =>
      children.map((child) => {
        if (isManifestType(child.mediaType) || isIndexType(child.mediaType))
          return this.#document(inner, child, child.digest, [...path, descriptor.digest], key);
        board.set(refKey(child), { event: 'waiting', parents: [key], total: child.size, descriptor: child });
        return this.#once(inner, child);
      }),
    );
    const there = await repository.hasManifest(object, descriptor.digest, scope.signal);
    if (!there) await repository.pushManifest(object, descriptor, bytes, scope.signal);
    await this.#remember(scope, descriptor);
    board.set(key, { event: there ? 'already exists' : 'complete', progress: descriptor.size });
  }

  #once(scope: Scope, blob: Descriptor): Promise<void> {
    const known = this.#sent.get(blob.digest);
    if (known !== undefined) return known;
    const sending = this.#blob(scope, blob);
    this.#sent.set(blob.digest, sending);
    return sending;
  }

  async #blob(scope: Scope, blob: Descriptor): Promise<void> {
    const { content, repository, uploads, board, nonDistributable } = this.#parts;
    const name = refKey(blob);
    if (isForeignLayer(blob.mediaType) && !nonDistributable) {
      board.set(name, { event: 'skipped' });
      return;
    }
    using _place = await uploads.enter(scope.signal);
    await using reader = await content.open(scope, blob.digest);
    const { labels } = await content.info(scope, blob.digest);
    board.set(name, { event: 'uploading' });
    const source = async function* (offset: number) {
      for (let at = offset; at < blob.size; ) {
        const bytes = await reader.read(at, Math.min(readBytes, blob.size - at));
        if (bytes.length === 0) return;
        yield bytes;
        at += bytes.length;
        board.set(name, { progress: at });
      }
    };
    const result = await repository.pushBlob(blob, source, {
      mountFrom: sourceIn(labels[sourceLabel(repository.name.registry)], repository.name.path),
      signal: scope.signal,
    });
    await this.#remember(scope, blob);
    const event = { exists: 'already exists', mounted: 'mounted', uploaded: 'complete' }[result];
    board.set(name, { event, progress: blob.size });
  }

  /** Notes that this repository has the blob: a later push to another one can have it mounted. */
  async #remember(scope: Scope, { digest }: Descriptor): Promise<void> {
    const { content, repository } = this.#parts;
    const key = sourceLabel(repository.name.registry);
    const known = (await content.info(scope, digest)).labels[key];
    const value = withSource(known, repository.name.path);
    if (value !== known) await content.update(scope, { digest, labels: { [key]: value } }, [`labels.${key}`]);
  }
}

/** Of the repositories that have a blob the one whose name is most like the target's: it is the likeliest to be readable. */
function sourceIn(label: string | undefined, target: string): string | undefined {
  const candidates = (label ?? '').split(',').filter((repository) => repository !== '' && repository !== target);
  const alike = (repository: string) => {
    const [mine, theirs] = [target.split('/'), repository.split('/')];
    let same = 0;
    while (same < mine.length && mine[same] === theirs[same]) same++;
    return same;
  };
  return candidates.toSorted((a, b) => alike(b) - alike(a))[0];
}
