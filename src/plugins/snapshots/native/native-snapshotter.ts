import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { failpoint } from '#base/failpoints';
import type { Log } from '#base/log';
import type { Mount } from '#core/mount';
import type { Scope } from '#core/scope';
import type { SnapshotInfo, SnapshotOptions, Snapshotter, Usage } from '#core/snapshots/snapshotter';
import { chmodAt, cwd } from '#sys/at';
import { copyTree, diskUsage, removeTree } from '#sys/fs';
import { requireNoRebase } from '../shared/rebase.ts';
import { SnapshotDirs } from '../shared/snapshot-dirs.ts';
import { type NewSnapshot, type SnapshotRecord, SnapshotRecords } from '../shared/snapshot-records.ts';
import { Syncer } from '../shared/syncer.ts';

/**
 * Snapshots as whole copies, for filesystems that can do nothing better: `snapshots/<n>` is the tree. Preparing takes time
 * and space in proportion to the parent, unless the filesystem shares blocks between files (xfs, btrfs); a view costs nothing.
 */
export class NativeSnapshotter implements Snapshotter {
  readonly capabilities: ReadonlySet<'rebase'> = new Set();
  readonly #records: SnapshotRecords;
  readonly #dirs: SnapshotDirs;
  readonly #syncer: Syncer;

  private constructor(root: string, records: SnapshotRecords, dirs: SnapshotDirs) {
    this.#records = records;
    this.#dirs = dirs;
    this.#syncer = new Syncer(root);
  }

  /** Opens (or begins) the one at `root`. */
  static async open(root: string, log: Log): Promise<NativeSnapshotter> {
    const dirs = new SnapshotDirs(root, { discard: removeTree, log });
    const records = await SnapshotRecords.open(join(root, 'metadata.db'), dirs.firstFreeId());
    return new NativeSnapshotter(root, records, dirs);
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
    const record = this.#records.get(key);
    if (record.usage !== undefined) return record.usage;
    // A view of a parent has no directory of its own.
    if (!hasDirectory(record)) return { size: 0, inodes: 0 };
    const usage = await diskUsage(this.#dirs.path(record.id));
    this.#records.remember(record.id, usage);
    return usage;
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
    await this.#records.commit(name, key, options, () => this.#syncer.sync());
  }

  async remove(_scope: Scope, key: string): Promise<void> {
    await this.#records.remove(key);
  }

  async *walk(_scope: Scope, filters?: readonly string[]): AsyncIterable<SnapshotInfo> {
    for (const { info } of this.#records.matching(filters)) yield info;
  }

  async cleanup(_scope: Scope): Promise<void> {
    await this.#dirs.clean(this.#records);
  }

  async #create(wanted: NewSnapshot): Promise<readonly Mount[]> {
    const record = await this.#records.create(wanted, {
      make: (id, [parent]) => this.#makeTree(id, wanted.kind, parent),
      undo: (id) => this.#dirs.remove(id),
    });
    return this.#mountsOf(record);
  }

  async #makeTree(id: number, kind: NewSnapshot['kind'], parent: number | undefined): Promise<void> {
    if (kind === 'view' && parent !== undefined) return;
    const path = this.#dirs.path(id);
    mkdirSync(path);
    if (parent === undefined) chmodAt(cwd, path, 0o755);
    else await copyTree(this.#dirs.path(parent), path);
    await failpoint?.('snapshot.copied');
    // Else a power cut could leave a snapshot that was promised with files of the parent missing or empty.
    await this.#syncer.sync();
  }

  #mountsOf(record: SnapshotRecord): readonly Mount[] {
    const id = hasDirectory(record) ? record.id : (record.parentId as number);
    const way = record.info.kind === 'view' ? 'ro' : 'rw';
    return [{ type: 'bind', source: this.#dirs.path(id), target: '', options: ['rbind', way] }];
  }
}

const hasDirectory = (record: SnapshotRecord): boolean => record.info.kind !== 'view' || record.parentId === undefined;
