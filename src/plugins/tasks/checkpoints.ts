import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { CheckpointOptionsSchema } from '#api/runtime/runc/v1/options_pb';
import type { Any } from '#base/any';
import { deferAsync } from '#base/disposal';
import { invalidArgument, isFault } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import type { Differ } from '#core/diff/diff';
import type { Mount } from '#core/mount';
import type { Scope } from '#core/scope';
import { parseDigest } from '#lib/digest';
import { mediaTypes } from '#lib/oci/media-types';

const configType = 'application/vnd.containerd.container.checkpoint.config.v1+proto';

/** A checkpoint's directory of files as blobs, and back. */
export class Checkpoints {
  readonly #content: ContentStore;
  readonly #differ: Differ;

  constructor(content: ContentStore, differ: Differ) {
    this.#content = content;
    this.#differ = differ;
  }

  /** Lets `write` fill a directory, and keeps its files as one blob and the container's spec as another. */
  async store(
    scope: Scope,
    id: string,
    spec: Any,
    write: (directory: string) => Promise<void>,
  ): Promise<readonly Descriptor[]> {
    await using directory = await temporaryDirectory(`checkpoint-${id}-`);
    await write(directory.path);
    const images = await this.#differ.compare(scope, [], [bindOf(directory.path)], { mediaType: mediaTypes.ociLayer });
    const bytes = toBinary(AnySchema, create(AnySchema, { typeUrl: spec.typeUrl, value: spec.value }));
    return [{ ...images, mediaType: mediaTypes.checkpoint }, await this.#storeBytes(scope, configType, bytes)];
  }

  /** Lets `use` read a checkpoint's files in a directory. @throws invalid_argument for a blob of another kind; not_found */
  async restore<T>(scope: Scope, checkpoint: Descriptor, use: (directory: string) => Promise<T>): Promise<T> {
    if (checkpoint.mediaType !== mediaTypes.checkpoint) {
      throw invalidArgument(`unsupported checkpoint type ${JSON.stringify(checkpoint.mediaType)}`);
    }
    await using directory = await temporaryDirectory('restore-');
    await this.#differ.apply(scope, { ...checkpoint, mediaType: mediaTypes.ociLayer }, [bindOf(directory.path)]);
    return await use(directory.path);
  }

  async #storeBytes(scope: Scope, mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
    const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    const descriptor = { mediaType, digest, size: bytes.length };
    try {
      await using writer = await this.#content.writer(scope, `checkpoint-config-${digest}`, {
        expected: digest,
        total: bytes.length,
      });
      if (writer.status().offset !== bytes.length) {
        await writer.truncate(0);
        await writer.write(bytes);
      }
      await writer.commit(bytes.length, digest);
    } catch (thrown) {
      if (!isFault(thrown, 'already_exists')) throw thrown;
    }
    return descriptor;
  }
}

/** Where the runtime's own options say that the files are to go; '' when they are to become blobs. @throws invalid_argument */
export function imagePathOf(options: Any | undefined): string {
  if (options === undefined || !options.typeUrl.endsWith('containerd.runc.v1.CheckpointOptions')) return '';
  try {
    return fromBinary(CheckpointOptionsSchema, options.value).imagePath;
  } catch (thrown) {
    throw invalidArgument('checkpoint options', thrown);
  }
}

const bindOf = (source: string): Mount => ({ type: 'bind', source, target: '', options: ['rbind', 'rw'] });

async function temporaryDirectory(prefix: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  return { path, ...deferAsync(() => rm(path, { recursive: true, force: true })) };
}
