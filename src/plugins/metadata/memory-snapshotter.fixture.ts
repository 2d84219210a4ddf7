import { alreadyExists, failedPrecondition, invalidArgument, notFound } from '#base/errors';
import { now } from '#base/timestamp';
import { changedLabels } from '#core/labels';
import type { Mount } from '#core/mount';
import type { Scope } from '#core/scope';
import { snapshotFields } from '#core/snapshots/snapshot-fields';
import type { SnapshotInfo, SnapshotKind, SnapshotOptions, Snapshotter, Usage } from '#core/snapshots/snapshotter';
import { parseFilters } from '#lib/filters/filter';

/** A backend without files, whose calls can be watched, delayed and made to fail. */
export class MemorySnapshotter implements Snapshotter {
  readonly capabilities: ReadonlySet<'rebase'> = new Set(['rebase'] as const);
  readonly infos = new Map<string, SnapshotInfo>();
  cleanups = 0;
  /** Called before every change, with the call's name and key; may wait or throw. */
  before: (call: string, key: string) => Promise<void> | void = () => {};
  /** Called after every change. */
  after: (call: string, key: string) => Promise<void> | void = () => {};

  async stat(_: Scope, key: string): Promise<SnapshotInfo> {
    return this.#get(key);
  }

  async update(
    _: Scope,
    info: Pick<SnapshotInfo, 'name' | 'labels'>,
    fields?: readonly string[],
  ): Promise<SnapshotInfo> {
    const current = this.#get(info.name);
    return this.#put({ ...current, labels: changedLabels(current.labels, info.labels, fields) });
  }

  async usage(_: Scope, key: string): Promise<Usage> {
    this.#get(key);
    return { inodes: 1, size: 4096 };
  }

  async mounts(_: Scope, key: string): Promise<readonly Mount[]> {
    if (this.#get(key).kind === 'committed') throw failedPrecondition(`snapshot ${key} is committed`);
    return [{ type: 'bind', source: `/nowhere/${key}`, target: '', options: ['rbind', 'rw'] }];
  }

  prepare(scope: Scope, key: string, parent: string, options: SnapshotOptions = {}): Promise<readonly Mount[]> {
    return this.#make(scope, 'active', key, parent, options);
  }

  view(scope: Scope, key: string, parent: string, options: SnapshotOptions = {}): Promise<readonly Mount[]> {
    return this.#make(scope, 'view', key, parent, options);
  }

  async commit(
    _: Scope,
    name: string,
    key: string,
    options: SnapshotOptions & { readonly parent?: string } = {},
  ): Promise<void> {
    await this.before('commit', key);
    const active = this.#get(key);
    if (active.kind !== 'active') throw failedPrecondition(`snapshot ${key} is not active`);
    if (this.infos.has(name)) throw alreadyExists(`snapshot ${name}`);
    if (options.parent !== undefined && this.#get(options.parent).kind !== 'committed') throw invalidArgument('parent');
    this.infos.delete(key);
    const parent = options.parent ?? active.parent;
    this.#put({ ...active, name, parent, kind: 'committed', labels: options.labels ?? {} });
    await this.after('commit', key);
  }

  async remove(_: Scope, key: string): Promise<void> {
    await this.before('remove', key);
    this.#get(key);
    for (const { parent } of this.infos.values())
      if (parent === key) throw failedPrecondition(`snapshot ${key} has a child`);
    this.infos.delete(key);
    await this.after('remove', key);
  }

  async *walk(_: Scope, filters: readonly string[] = []): AsyncIterable<SnapshotInfo> {
    const filter = parseFilters(filters);
    for (const info of [...this.infos.values()]) if (filter.match(snapshotFields(info))) yield info;
  }

  async cleanup(): Promise<void> {
    this.cleanups++;
  }

  async #make(
    _: Scope,
    kind: SnapshotKind,
    key: string,
    parent: string,
    { labels = {} }: SnapshotOptions,
  ): Promise<readonly Mount[]> {
    await this.before(kind === 'view' ? 'view' : 'prepare', key);
    if (this.infos.has(key)) throw alreadyExists(`snapshot ${key}`);
    if (parent !== '' && this.#get(parent).kind !== 'committed')
      throw invalidArgument(`parent ${parent} is not committed`);
    const at = now();
    this.#put({ name: key, parent, kind, labels, createdAt: at, updatedAt: at });
    await this.after('prepare', key);
    return await this.mounts(_, key);
  }

  #get(key: string): SnapshotInfo {
    const info = this.infos.get(key);
    if (info === undefined) throw notFound(`snapshot ${key}`);
    return info;
  }

  #put(info: SnapshotInfo): SnapshotInfo {
    this.infos.set(info.name, info);
    return info;
  }
}
