import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '#base/log';
import type { Labels } from '#core/labels';
import type { Mount } from '#core/mount';
import type { Scope } from '#core/scope';
import type { SnapshotInfo, SnapshotOptions, Snapshotter, Usage } from '#core/snapshots/snapshotter';
import { chmodAt, chownAt, cwd } from '#sys/at';
import { diskUsage, removeTree } from '#sys/fs';
import { SnapshotDirs } from '../shared/snapshot-dirs.ts';
import { type NewSnapshot, type SnapshotRecord, SnapshotRecords } from '../shared/snapshot-records.ts';
import { Syncer } from '../shared/syncer.ts';
import { mappedRoot } from './mapped-root.ts';

export interface OverlayOptions {
  /** Put after the directories in every overlay mount. */
  readonly mountOptions: readonly string[];
  /** Show the upper directory in a label. */
  readonly upperdirLabel: boolean;
  /** Delete the directory before `remove` returns. */
  readonly syncRemove: boolean;
  readonly log: Log;
}

const upperdirLabel = 'containerd.io/snapshot/overlay.upperdir';

/**
 * Snapshots as directories that overlayfs lays over one another: `snapshots/<n>/fs` has what the snapshot changed,
 * `snapshots/<n>/work` is the kernel's. Nothing is ever copied; a layer can be written before its parent exists.
 */
export class OverlaySnapshotter implements Snapshotter {
  readonly capabilities: ReadonlySet<'rebase'> = new Set(['rebase']);
  readonly #records: SnapshotRecords;
  readonly #dirs: SnapshotDirs;
  readonly #syncer: Syncer;
  readonly #options: OverlayOptions;
  readonly #measuring = new Map<number, Promise<Usage>>();

  private constructor(root: string, records: SnapshotRecords, dirs: SnapshotDirs, options: OverlayOptions) {
    this.#records = records;
    this.#dirs = dirs;
    this.#options = options;
    this.#syncer = new Syncer(root);
  }

  /** Opens (or begins) the one at `root`, and repairs what a crash left. */
  static async open(root: string, options: OverlayOptions): Promise<OverlaySnapshotter> {
    const dirs = new SnapshotDirs(root, { discard: removeTree, log: options.log });
    const records = await SnapshotRecords.open(join(root, 'metadata.db'), dirs.firstFreeId());
    const opened = new OverlaySnapshotter(root, records, dirs, options);
    opened.#repair();
    return opened;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#records[Symbol.asyncDispose]();
  }

  async stat(_scope: Scope, key: string): Promise<SnapshotInfo> {
    return this.#shown(this.#records.get(key));
  }

  async update(
    _scope: Scope,
    info: Pick<SnapshotInfo, 'name' | 'labels'>,
    fields?: readonly string[],
  ): Promise<SnapshotInfo> {
    return this.#shown(await this.#records.update(info.name, info.labels, fields));
  }

  async usage(_scope: Scope, key: string): Promise<Usage> {
    const record = this.#records.get(key);
    if (record.usage !== undefined) return record.usage;
    if (record.info.kind !== 'committed') return diskUsage(this.#upper(record.id));
    // Not measured at the commit, which somebody waits for; a committed tree does not change, so once is enough.
    const running = this.#measuring.get(record.id) ?? this.#measure(record.id);
    this.#measuring.set(record.id, running);
    return running;
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
    await this.#records.commit(name, key, options, () => this.#syncer.sync());
  }

  async remove(_scope: Scope, key: string): Promise<void> {
    const record = await this.#records.remove(key);
    if (this.#options.syncRemove) await this.#dirs.remove(record.id);
  }

  async *walk(_scope: Scope, filters?: readonly string[]): AsyncIterable<SnapshotInfo> {
    for (const record of this.#records.matching(filters)) yield this.#shown(record);
  }

  async cleanup(_scope: Scope): Promise<void> {
    await this.#dirs.clean(this.#records);
  }

  async #create(wanted: NewSnapshot): Promise<readonly Mount[]> {
    const record = await this.#records.create(wanted, {
      make: (id, [parent], labels) => this.#makeDirectories(id, wanted.kind, parent, labels),
      undo: (id) => this.#dirs.remove(id),
    });
    return this.#mountsOf(record);
  }

  // Synchronous, so that no cleanup and no other call comes between directory and record; three calls of a few microseconds.
  #makeDirectories(id: number, kind: NewSnapshot['kind'], parent: number | undefined, labels: Labels): void {
    const upper = this.#upper(id);
    const owner = mappedRoot(labels);
    mkdirSync(this.#dirs.path(id), { mode: 0o700 });
    makeDirectory(upper, 0o755);
    if (owner !== undefined) chownAt(cwd, upper, owner.uid, owner.gid);
    else if (parent !== undefined) {
      const { uid, gid } = statSync(this.#upper(parent));
      chownAt(cwd, upper, uid, gid);
    }
    if (kind === 'active') makeDirectory(this.#work(id), 0o711);
  }

  #mountsOf(record: SnapshotRecord): readonly Mount[] {
    const { id, info } = record;
    const [nearest, ...others] = this.#records.chain(record);
    const writable = info.kind === 'active';
    if (nearest === undefined) return [bind(this.#upper(id), writable ? 'rw' : 'ro')];
    if (!writable && others.length === 0) return [bind(this.#upper(nearest), 'ro')];
    const lower = [nearest, ...others].map((parent) => this.#upper(parent)).join(':');
    const options = [
      ...(writable ? [`workdir=${this.#work(id)}`, `upperdir=${this.#upper(id)}`] : []),
      `lowerdir=${lower}`,
      ...this.#options.mountOptions,
    ];
    return [{ type: 'overlay', source: 'overlay', target: '', options }];
  }

  async #measure(id: number): Promise<Usage> {
    try {
      const usage = await diskUsage(this.#upper(id));
      this.#records.remember(id, usage);
      return usage;
    } finally {
      this.#measuring.delete(id);
    }
  }

  /**
   * A new snapshot's directories are not synced on their own: whatever a program makes durable inside makes them so too.
   * After a power cut an active snapshot nobody synced may therefore have a record and no directories; it is empty.
   */
  #repair(): void {
    for (const { id, parentId, info } of this.#records.all()) {
      if (info.kind === 'committed' || exists(this.#upper(id))) continue;
      this.#options.log.warn('snapshot directory was lost and is made again, empty', { key: info.name, id });
      mkdirSync(this.#dirs.path(id), { recursive: true, mode: 0o700 });
      makeDirectory(this.#upper(id), 0o755);
      const { uid, gid } =
        mappedRoot(info.labels) ?? (parentId === undefined ? rootOwner : statSync(this.#upper(parentId)));
      chownAt(cwd, this.#upper(id), uid, gid);
      if (info.kind === 'active' && !exists(this.#work(id))) makeDirectory(this.#work(id), 0o711);
    }
  }

  #shown({ id, info }: SnapshotRecord): SnapshotInfo {
    if (!this.#options.upperdirLabel) return info;
    return { ...info, labels: { ...info.labels, [upperdirLabel]: this.#upper(id) } };
  }

  #upper(id: number): string {
    return join(this.#dirs.path(id), 'fs');
  }

  #work(id: number): string {
    return join(this.#dirs.path(id), 'work');
  }
}

const rootOwner = { uid: 0, gid: 0 };

const bind = (source: string, way: 'rw' | 'ro'): Mount => ({
  type: 'bind',
  source,
  target: '',
  options: [way, 'rbind'],
});

// Whatever the umask is.
function makeDirectory(path: string, mode: number): void {
  mkdirSync(path);
  chmodAt(cwd, path, mode);
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
