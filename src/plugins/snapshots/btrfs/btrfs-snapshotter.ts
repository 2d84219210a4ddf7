import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { wrap } from '#base/errors';
import type { Log } from '#base/log';
import type { Mount } from '#core/mount';
import type { Scope } from '#core/scope';
import type { SnapshotInfo, SnapshotKind, SnapshotOptions, Snapshotter, Usage } from '#core/snapshots/snapshotter';
import { chmodAt, cwd } from '#sys/at';
import {
  createSubvolume,
  deleteSubvolume,
  isSubvolume,
  setSubvolumeReadonly,
  snapshotSubvolume,
  subvolumeId,
} from '#sys/btrfs';
import { diskUsage, removeTree } from '#sys/fs';
import { requireNoRebase } from '../shared/rebase.ts';
import { type NewSnapshot, type SnapshotRecord, SnapshotRecords } from '../shared/snapshot-records.ts';
import { Syncer } from '../shared/syncer.ts';

/** Kind → directory below the root, as containerd names them. */
export const places = { active: 'active', view: 'view', committed: 'snapshots' } as const;

export interface BtrfsOptions {
  /** The block device to mount. */
  readonly device: string;
  readonly log: Log;
}

/** Snapshots as subvolumes of btrfs: `active/<n>`, `view/<n>` (read-only), `snapshots/<n>` (read-only). Nothing is copied. */
export class BtrfsSnapshotter implements Snapshotter {
  readonly capabilities: ReadonlySet<'rebase'> = new Set();
  readonly #root: string;
  readonly #records: SnapshotRecords;
  readonly #syncer: Syncer;
  readonly #options: BtrfsOptions;

  private constructor(root: string, records: SnapshotRecords, options: BtrfsOptions) {
    this.#root = root;
    this.#records = records;
    this.#options = options;
    this.#syncer = new Syncer(root);
  }

  /** Opens (or begins) the one at `root`, which must be on btrfs. */
  static async open(root: string, options: BtrfsOptions): Promise<BtrfsSnapshotter> {
    let firstFree = 1;
    for (const place of Object.values(places)) {
      mkdirSync(join(root, place), { recursive: true, mode: 0o700 });
      for (const name of readdirSync(join(root, place))) firstFree = Math.max(firstFree, (Number(name) || 0) + 1);
    }
    return new BtrfsSnapshotter(root, await SnapshotRecords.open(join(root, 'metadata.db'), firstFree), options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#records[Symbol.asyncDispose]();
  }

  async stat(_scope: Scope, key: string): Promise<SnapshotInfo> {
    return this.#records.get(key).info;
  }

  async update(
    _scope: Scope,
    info: Pick<SnapshotInfo, 'name' | 'labels'>,
    fields?: readonly string[],
  ): Promise<SnapshotInfo> {
    return (await this.#records.update(info.name, info.labels, fields)).info;
  }

  async usage(_scope: Scope, key: string): Promise<Usage> {
    const { id, info, parentId, usage } = this.#records.get(key);
    if (usage !== undefined) return usage;
    const base = parentId === undefined ? undefined : this.#path('committed', parentId);
    const measured = await diskUsage(this.#path(info.kind, id), base);
    this.#records.remember(id, measured);
    return measured;
  }

  async mounts(_scope: Scope, key: string): Promise<readonly Mount[]> {
    return this.#mountsOf(this.#records.getMountable(key));
  }

  prepare(_scope: Scope, key: string, parent: string, options?: SnapshotOptions): Promise<readonly Mount[]> {
    return this.#create({ kind: 'active', key, parent, labels: options?.labels });
  }

  view(_scope: Scope, key: string, parent: string, options?: SnapshotOptions): Promise<readonly Mount[]> {
    return this.#create({ kind: 'view', key, parent, labels: options?.labels });
  }

  async commit(
    _scope: Scope,
    name: string,
    key: string,
    options: SnapshotOptions & { readonly parent?: string } = {},
  ): Promise<void> {
    requireNoRebase(key, options.parent);
    let committed = '';
    try {
      await this.#records.commit(name, key, options, async ({ id }) => {
        committed = this.#path('committed', id);
        snapshotSubvolume(this.#path('active', id), committed, { readonly: true });
        await this.#syncer.sync();
      });
    } catch (thrown) {
      if (committed !== '') await deleteSubvolume(committed);
      throw thrown;
    }
    await deleteSubvolume(this.#path('active', this.#records.get(name).id));
  }

  async remove(_scope: Scope, key: string): Promise<void> {
    await this.#records.remove(key);
  }

  async *walk(_scope: Scope, filters?: readonly string[]): AsyncIterable<SnapshotInfo> {
    for (const { info } of this.#records.matching(filters)) yield info;
  }

  async cleanup(_scope: Scope): Promise<void> {
    const wanted = new Set([...this.#records.all()].map(({ id, info }) => this.#path(info.kind, id)));
    let failure: unknown;
    for (const place of Object.values(places)) {
      for (const name of readdirSync(join(this.#root, place))) {
        const path = join(this.#root, place, name);
        // What is being made or committed at this moment has its number, or its record, already.
        if (wanted.has(path) || this.#records.uses(Number(name))) continue;
        await discardSubvolume(path).catch((thrown: unknown) => {
          this.#options.log.warn('snapshot subvolume not removed', { path, error: thrown });
          failure ??= wrap(thrown, `failed to remove ${path}`);
        });
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** At start only: what a crash in the middle of a commit left, the same number in two places. */
  async repair(): Promise<void> {
    for (const { id, info } of this.#records.all()) {
      for (const kind of Object.keys(places) as SnapshotKind[]) {
        if (kind !== info.kind) await discardSubvolume(this.#path(kind, id));
      }
    }
  }

  async #create(wanted: NewSnapshot): Promise<readonly Mount[]> {
    const record = await this.#records.create(wanted, {
      make: (id, [parent]) => this.#makeSubvolume(this.#path(wanted.kind, id), wanted.kind, parent),
      undo: (id) => deleteSubvolume(this.#path(wanted.kind, id)),
    });
    return this.#mountsOf(record);
  }

  async #makeSubvolume(path: string, kind: NewSnapshot['kind'], parent: number | undefined): Promise<void> {
    if (parent !== undefined) {
      snapshotSubvolume(this.#path('committed', parent), path, { readonly: kind === 'view' });
    } else {
      createSubvolume(path);
      chmodAt(cwd, path, 0o755);
      if (kind === 'view') setSubvolumeReadonly(path, true);
    }
    // A subvolume is there after a power cut only if the transaction that made it was written.
    await this.#syncer.sync();
  }

  #mountsOf({ id, info }: SnapshotRecord): readonly Mount[] {
    const options = [`subvolid=${subvolumeId(this.#path(info.kind, id))}`, ...(info.kind === 'active' ? [] : ['ro'])];
    return [{ type: 'btrfs', source: this.#options.device, target: '', options }];
  }

  #path(kind: SnapshotKind, id: number): string {
    return join(this.#root, places[kind], String(id));
  }
}

/** Removes a subvolume, or whatever else stands in its place; fine when nothing does. */
export async function discardSubvolume(path: string): Promise<void> {
  const subvolume = subvolumeAt(path);
  if (subvolume === undefined) return;
  await (subvolume ? deleteSubvolume(path) : removeTree(path));
}

/** Whether it is a subvolume; `undefined` when nothing is there. */
function subvolumeAt(path: string): boolean | undefined {
  try {
    return isSubvolume(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
