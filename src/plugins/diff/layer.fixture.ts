import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { silent } from '#base/log';
import type { ContentStore } from '#core/content/content';
import { memoryContent } from '#core/content/memory';
import type { Descriptor } from '#core/descriptor';
import type { ApplyOptions } from '#core/diff/diff';
import type { Mount } from '#core/mount';
import type { StreamProcessor } from '#core/plugin/daemon-info';
import { scopeOf } from '#core/scope';
import { digestOf } from '#lib/digest';
import { mediaTypes } from '#lib/oci/media-types';
import { Applier } from './applier.ts';
import { UnpackThreads } from './unpack-threads.ts';

export const scope = scopeOf('test');
export const bind = (source: string): readonly Mount[] => [
  { type: 'bind', source, target: '', options: ['rbind', 'rw'] },
];

/** An applier, a store and a directory for one test. */
export class ApplyBench implements AsyncDisposable {
  readonly dir = mkdtempSync('/dev/shm/berth-diff-test-');
  readonly content: ContentStore = memoryContent();
  readonly threads = new UnpackThreads({ most: 2, idleMs: 100 });
  readonly applier: Applier;
  readonly #added = new Set<string>();

  constructor(options: { readonly processors?: ReadonlyMap<string, StreamProcessor> } = {}) {
    this.applier = new Applier({
      content: this.content,
      threads: this.threads,
      processors: options.processors ?? new Map(),
      tempDir: this.dir,
      limits: { maxBytes: 2 ** 40, maxEntries: 100_000 },
      log: silent,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.threads[Symbol.asyncDispose]();
    await rm(this.dir, { recursive: true, force: true });
  }

  path(...parts: readonly string[]): string {
    return join(this.dir, ...parts);
  }

  async add(bytes: Uint8Array, mediaType: string = mediaTypes.ociLayer): Promise<Descriptor> {
    const digest = digestOf(bytes);
    const descriptor = { mediaType, digest, size: bytes.length };
    if (this.#added.has(digest)) return descriptor;
    this.#added.add(digest);
    await using writer = await this.content.writer(scope, digest);
    await writer.write(bytes);
    await writer.commit(bytes.length, digest);
    return descriptor;
  }

  async apply(layer: Uint8Array, mounts: readonly Mount[], options: ApplyOptions = {}): Promise<Descriptor> {
    return await this.applier.apply(scope, await this.add(layer), mounts, options);
  }

  file(name: string, bytes: Uint8Array): string {
    writeFileSync(this.path(name), bytes);
    return this.path(name);
  }
}
