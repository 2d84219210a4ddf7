import { randomBytes } from 'node:crypto';
import { mkdir, rmdir } from 'node:fs/promises';
import { alreadyExists, invalidArgument, isFault, notFound, notImplemented, wrap } from '#base/errors';
import { failpoint } from '#base/failpoints';
import type { Log } from '#base/log';
import type { Collectible, CollectibleRegistration } from '#core/gc/collectible';
import { labelBackReferences } from '#core/gc/references';
import { changedLabels, storedLabels } from '#core/labels';
import type { LeaseStore } from '#core/leases/leases';
import type { Mount } from '#core/mount';
import type { ActivateOptions, Activation, ActiveMount, LocalMountManager } from '#core/mounts/mounts';
import { type Scope, scopeOf } from '#core/scope';
import { absent, field, mapField, parseFilters } from '#lib/filters/filter';
import { type Maker, makeMount, prepareMount, unmakeMount } from './make.ts';
import { type Plan, planMounts } from './plan.ts';
import { type ActivationRecord, Records } from './records.ts';
import { isIntact, sweepDirectory } from './recovery.ts';

export interface MountManagerParts extends Maker {
  /** For mount points and records; the manager's alone. */
  readonly directory: string;
  readonly leases: Pick<LeaseStore, 'list'>;
  readonly collect: (collectible: Collectible) => CollectibleRegistration;
  readonly log: Log;
}

/** Longer names could not be told in an error. */
const maxNameBytes = 4096;
const maxMounts = 255;

/** Activations, in memory as long as the daemon runs and in files for the next. */
export class SystemMountManager implements LocalMountManager, AsyncDisposable {
  readonly #parts: MountManagerParts;
  readonly #handled: ReadonlySet<string>;
  readonly #records: Records;
  /** By namespace and name. A name is taken from the beginning of its activation to the end of its deactivation. */
  readonly #activations = new Map<string, ActivationRecord>();
  /** In use by a call of this process. */
  readonly #kept = new Set<string>();
  #registration: CollectibleRegistration | undefined;
  /** What was begun and is not over: the daemon waits for it when it stops. */
  readonly #underway = new Set<Promise<unknown>>();

  private constructor(parts: MountManagerParts) {
    this.#parts = parts;
    this.#handled = new Set(parts.handlers.keys());
    this.#records = new Records(parts.directory, parts.log);
  }

  /** A manager that has put right what the last one left. */
  static async open(parts: MountManagerParts): Promise<SystemMountManager> {
    const manager = new SystemMountManager(parts);
    const { records, strays } = await manager.#records.load();
    for (const record of records) await manager.#takeBack(record);
    for (const id of strays) await sweepDirectory(manager.#records.directoryOf(id), parts.log);
    manager.#registration = parts.collect({
      kind: 'mount',
      all: () => manager.#things(),
      remove: (namespace, key) => manager.release(scopeOf(namespace), key),
    });
    return manager;
  }

  wants(mounts: readonly Mount[]): boolean {
    return planMounts(mounts, this.#handled, {}) !== undefined;
  }

  async activate(
    scope: Scope,
    name: string,
    mounts: readonly Mount[],
    options: ActivateOptions = {},
  ): Promise<Activation> {
    if (name === '' || Buffer.byteLength(name) > maxNameBytes) throw invalidArgument('the name of an activation');
    if (mounts.length > maxMounts) throw invalidArgument(`${mounts.length} mounts: at most ${maxMounts}`);
    const labels = storedLabels(options.labels ?? {});
    const plan = planMounts(mounts, this.#handled, options);
    if (plan === undefined || mounts.length === 0) throw notImplemented('none of these mounts needs the daemon');
    const { namespace, lease } = scope;
    if (lease !== undefined && (await this.#parts.leases.list(scope, [`id==${lease}`])).length === 0)
      throw notFound(`lease ${JSON.stringify(lease)}`);
    const key = keyOf(namespace, name);
    if (this.#activations.has(key)) throw alreadyExists(`mount ${JSON.stringify(name)}`);
    const id = randomBytes(8).toString('hex');
    const begun: ActivationRecord = {
      ...{ namespace, name, id, labels, whole: false, active: [], system: [] },
      ...(lease !== undefined && { lease }),
    };
    this.#activations.set(key, begun);
    this.#registration?.touch(namespace, name);
    return infoOf(await this.#during(this.#activate(scope, begun, plan, options)));
  }

  async deactivate(scope: Scope, name: string): Promise<void> {
    await this.#during(this.#takeDown(this.#whole(scope, name), false));
  }

  async release(scope: Scope, name: string): Promise<void> {
    const record = this.#activations.get(keyOf(scope.namespace, name));
    if (record?.whole === true) await this.#during(this.#takeDown(record, true));
  }

  async during<T>(scope: Scope, mounts: readonly Mount[], use: (mounts: readonly Mount[]) => Promise<T>): Promise<T> {
    if (!this.wants(mounts)) return use(mounts);
    const name = `temporary-${randomBytes(8).toString('hex')}`;
    const { signal, namespace } = scope;
    const key = keyOf(namespace, name);
    this.#kept.add(key);
    try {
      const { system } = await this.activate(scopeOf(namespace, { signal }), name, mounts, { temporary: true });
      return await use(system);
    } finally {
      this.#kept.delete(key);
      await this.release(scope, name);
    }
  }

  async info(scope: Scope, name: string): Promise<Activation> {
    return infoOf(this.#whole(scope, name));
  }

  async update(
    scope: Scope,
    { name, labels }: Pick<Activation, 'name' | 'labels'>,
    fields: readonly string[] = [],
  ): Promise<Activation> {
    const record = this.#whole(scope, name);
    const changed = { ...record, labels: changedLabels(record.labels, labels, fields) };
    this.#activations.set(keyOf(scope.namespace, name), changed);
    this.#registration?.touch(scope.namespace, name);
    await this.#records.write(changed);
    return infoOf(changed);
  }

  async list({ namespace }: Scope, filters: readonly string[] = []): Promise<readonly Activation[]> {
    const filter = parseFilters(filters);
    return [...this.#activations.values()]
      .filter((record) => record.namespace === namespace && record.whole)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .filter(({ name, labels }) =>
        filter.match(([head, ...rest]) =>
          head === 'name' ? field(name) : head === 'labels' ? mapField(rest, labels) : absent,
        ),
      )
      .map(infoOf);
  }

  /** What is mounted stays: containers use it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#registration?.[Symbol.dispose]();
    await Promise.allSettled(this.#underway);
  }

  async #activate(scope: Scope, begun: ActivationRecord, plan: Plan, options: ActivateOptions) {
    const key = keyOf(begun.namespace, begun.name);
    const directory = this.#records.directoryOf(begun.id);
    const active: ActiveMount[] = [];
    try {
      await this.#records.write(begun);
      await failpoint?.('mount.noted');
      await mkdir(directory, { mode: 0o700 });
      for (const [i, planned] of plan.ours.entries()) {
        const mount = await prepareMount(this.#parts, planned, active, scope.signal);
        active.push(await makeMount(this.#parts, mount, { directory, name: String(i) }, active));
      }
      const system: Mount[] = [];
      for (const planned of plan.theirs) system.push(await prepareMount(this.#parts, planned, active, scope.signal));
      const last = active.at(-1);
      if (options.temporary === true && last !== undefined)
        system.push({ type: 'bind', source: last.mountPoint, target: '', options: ['rbind'] });
      const whole = { ...begun, active, system, whole: true };
      await failpoint?.('mount.made');
      await this.#records.write(whole);
      this.#activations.set(key, whole);
      return whole;
    } catch (error) {
      await this.#undo({ ...begun, active });
      throw error;
    }
  }

  async #undo(record: ActivationRecord): Promise<void> {
    await this.#takeDown(record, true).catch((error: unknown) => {
      this.#parts.log.error('mounts of a failed activation stay', { name: record.name, id: record.id, error });
      this.#activations.delete(keyOf(record.namespace, record.name));
    });
  }

  /** From the last mount to the first. What fails leaves the rest as it is, and remembered. */
  async #takeDown(record: ActivationRecord, hard: boolean): Promise<void> {
    const key = keyOf(record.namespace, record.name);
    const active = [...record.active];
    this.#activations.set(key, { ...record, whole: false });
    try {
      if (record.whole) await this.#records.write({ ...record, whole: false });
      await failpoint?.('mount.undoing');
      for (let last = active.at(-1); last !== undefined; last = active.at(-1)) {
        await unmakeMount(this.#parts, last, hard);
        active.pop();
      }
      await rmdir(this.#records.directoryOf(record.id)).catch((error: unknown) => {
        if (!isFault(error, 'not_found')) throw error;
      });
      await failpoint?.('mount.undone');
      await this.#records.remove(record.id);
      this.#activations.delete(key);
    } catch (error) {
      const left = { ...record, active };
      this.#activations.set(key, left);
      if (record.whole) await this.#records.write(left);
      throw wrap(error, `mount ${JSON.stringify(record.name)}`);
    }
  }

  async #takeBack(record: ActivationRecord): Promise<void> {
    const { namespace, name, id } = record;
    if (record.whole && isIntact(record)) {
      this.#activations.set(keyOf(namespace, name), record);
      return;
    }
    this.#parts.log.info('an activation of mounts is not whole: taken down', { namespace, name });
    await this.#undo(record);
    await sweepDirectory(this.#records.directoryOf(id), this.#parts.log);
    await this.#records.remove(id);
  }

  *#things() {
    for (const { namespace, name, lease, labels, whole } of this.#activations.values()) {
      const backReferences = labelBackReferences(labels, namespace);
      // One that is being made, or used by a call, has somebody to keep it.
      const root = !whole || this.#kept.has(keyOf(namespace, name));
      yield { namespace, key: name, root, backReferences, ...(lease !== undefined && whole && { lease }) };
    }
  }

  #whole({ namespace }: Scope, name: string): ActivationRecord {
    const record = this.#activations.get(keyOf(namespace, name));
    if (record?.whole !== true) throw notFound(`mount ${JSON.stringify(name)}`);
    return record;
  }

  async #during<T>(work: Promise<T>): Promise<T> {
    this.#underway.add(work);
    try {
      return await work;
    } finally {
      this.#underway.delete(work);
    }
  }
}

const keyOf = (namespace: string, name: string): string => `${namespace}\n${name}`;

const infoOf = ({ name, active, system, labels }: ActivationRecord): Activation => ({ name, active, system, labels });
