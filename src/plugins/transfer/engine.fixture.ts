import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Log, silent } from '#base/log';
import type { ImageVerifier } from '#core/images/verifier';
import type { Metadata } from '#core/metadata';
import { TransferEngine, type UnpackRule } from '#core/transfer/engine/engine';
import { Registries } from '#core/transfer/engine/registries';
import { Limiter } from '#core/transfer/limiter';
import type { PullOptions, RegistryEnd } from '#core/transfer/transfer';
import type { MirrorTables } from '#lib/registry/mirrors';
import { openLocalStore } from '#plugins/content/local-store';
import { Applier } from '#plugins/diff/applier';
import { UnpackThreads } from '#plugins/diff/unpack-threads';
import { openMetadata } from '#plugins/metadata/open-metadata';
import { OverlaySnapshotter } from '#plugins/snapshots/overlayfs/overlay-snapshotter';

export interface TestEngine extends AsyncDisposable {
  readonly engine: TransferEngine;
  readonly metadata: Metadata;
  readonly dir: string;
}

export interface TestEngineOptions {
  readonly dir?: string;
  readonly mirrors?: MirrorTables;
  /** Take away what the snapshotter can do beyond the ordinary. */
  readonly withoutRebase?: boolean;
  readonly downloads?: number;
  readonly unpacks?: number;
  readonly retryAttempts?: number;
  readonly rangeBytes?: number;
  readonly unpackConfig?: readonly UnpackRule[];
  readonly defaultSnapshotter?: string;
  readonly verifiers?: ReadonlyMap<string, ImageVerifier>;
  readonly log?: Log;
}

/** The engine over real stores in a directory of its own; the directory stays when it was given. */
export async function openTestEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  const log = options.log ?? silent;
  const dir = options.dir ?? mkdtempSync('/dev/shm/berth-transfer-');
  const held = new AsyncDisposableStack();
  if (options.dir === undefined) held.defer(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'snapshots'), { recursive: true });
  mkdirSync(join(dir, 'tmp'), { recursive: true });
  const content = await openLocalStore(join(dir, 'content'), log);
  const overlay = held.use(
    await OverlaySnapshotter.open(join(dir, 'snapshots'), {
      mountOptions: [],
      upperdirLabel: false,
      syncRemove: false,
      log,
    }),
  );
  if (options.withoutRebase === true) Object.defineProperty(overlay, 'capabilities', { value: new Set() });
  const metadata = held.use(
    await openMetadata(join(dir, 'meta.sqlite'), {
      log,
      content,
      snapshotters: new Map([['overlayfs', overlay]]),
      events: { publish: async () => {} },
      policy: 'shared',
    }),
  );
  const threads = held.use(new UnpackThreads({ most: options.unpacks ?? 4, idleMs: 1000 }));
  const limits = { maxBytes: 1 << 30, maxEntries: 100_000 };
  const tempDir = join(dir, 'tmp');
  const applier = new Applier({ content: metadata.content, threads, processors: new Map(), tempDir, limits, log });
  const attempts = options.retryAttempts ?? 3;
  const registries = held.use(
    new Registries({
      directories: [],
      mirrors: options.mirrors ?? {},
      userAgent: 'test',
      retry: { attempts, baseDelayMs: 5, maxDelayMs: 50 },
      log,
    }),
  );
  const engine = new TransferEngine({
    metadata,
    differ: {
      apply: applier.apply.bind(applier),
      unpack: applier.unpack.bind(applier),
      compare: () => Promise.reject(new Error('not used')),
    },
    registries,
    downloads: new Limiter(options.downloads ?? 3),
    uploads: new Limiter(3),
    unpacks: new Limiter(options.unpacks ?? 4),
    ...(options.verifiers !== undefined && { verifiers: options.verifiers }),
    ...(options.rangeBytes !== undefined && { rangeBytes: options.rangeBytes }),
    defaultSnapshotter: options.defaultSnapshotter ?? 'overlayfs',
    ...(options.unpackConfig !== undefined && { unpackConfig: options.unpackConfig }),
    alone: true,
    log,
  });
  return { engine, metadata, dir, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** A pull as most tests want it. */
export function pullOptions(name: string, more: Partial<PullOptions> = {}): PullOptions {
  return {
    image: { name, labels: {} },
    platforms: [],
    allMetadata: false,
    manifestLimit: 0,
    unpacks: [{ snapshotter: '' }],
    ...more,
  };
}

export const at = (reference: string, more: Partial<RegistryEnd> = {}): RegistryEnd => ({
  reference,
  defaultScheme: 'http',
  ...more,
});
