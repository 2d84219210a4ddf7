import { setImmediate } from 'node:timers/promises';
import type { Fault } from '#base/errors';
import type { CollectibleThing } from '#core/gc/collectible';
import type { Labels } from '#core/labels';
import type { Metadata } from '#core/metadata';
import { type Scope, scopeOf } from '#core/scope';
import { digestOf } from '#lib/digest';

/** The same numbers at every run: a failure can be repeated. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = (seed % 2147483629) * 7919 + 17;
  for (let i = 0; i < 3; i++) state = (state * 48271) % 2147483647;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return (state >>> 8) % below;
  };
}

const blobs = 12;
const textOf = (n: number) => `blob ${n}`;
const refusals = ['not_found', 'already_exists', 'failed_precondition', 'invalid_argument', 'unavailable'];

/** Whether somebody may change something at this moment; `hold` waits where a backend would be at work. */
export interface Gate {
  hold(): Promise<void>;
}

/** What writers do, drawn at random, in a few namespaces that share blobs. Several operations may be under way at the same time. */
export class History {
  readonly log: string[] = [];
  readonly things = new Map<string, CollectibleThing>();
  /** What operations under way will take away themselves, as the picture names it. */
  readonly leaving = new Map<string, number>();
  readonly #metadata: Metadata;
  readonly #random: (below: number) => number;
  readonly #clock: { ms: number };
  readonly #touch: (namespace: string, key: string) => void;
  readonly #operations: readonly (() => Promise<void>)[];

  constructor(metadata: Metadata, random: (below: number) => number, clock: { ms: number }) {
    this.#metadata = metadata;
    this.#random = random;
    this.#clock = clock;
    const registration = metadata.addCollectible({
      kind: 'thing',
      all: () => this.things.values(),
      remove: async (namespace, key) => void this.things.delete(`${namespace}/${key}`),
    });
    this.#touch = (namespace, key) => registration.touch(namespace, key);
    this.#operations = [
      ...[this.#ingest, this.#ingest, this.#ingest, this.#image, this.#image, this.#unimage],
      ...[this.#label, this.#label, this.#deleteBlob, this.#prepare, this.#prepare, this.#commit, this.#commit],
      ...[
        this.#removeSnapshot,
        this.#labelSnapshot,
        this.#useSnapshot,
        this.#useSnapshot,
        this.#lease,
        this.#addToLease,
        this.#unlease,
      ],
      ...[this.#container, this.#uncontainer, this.#leaveIngest, this.#abort, this.#passTime, this.#thing],
      ...[this.#sandbox, this.#unsandbox],
    ];
  }

  /** Does something. What is refused (not found, already there, has children) is part of the game. */
  async act(): Promise<void> {
    try {
      await this.#pick(this.#operations).call(this);
    } catch (thrown) {
      if (!refusals.includes((thrown as Fault).class)) throw thrown;
      this.log.push(`  ${(thrown as Fault).class}`);
    }
  }

  async #ingest(): Promise<void> {
    const [scope, n, labels] = [this.#scope(), this.#random(blobs), this.#labels()];
    this.#say('ingest', scope, n, labels);
    using _ = this.#leaves(`ingest|${scope.namespace}|ref-${n}`);
    await using writer = await this.#metadata.content.writer(scope, `ref-${n}`, { expected: digestOf(textOf(n)) });
    await writer.truncate(writer.status().offset === textOf(n).length ? textOf(n).length : 0);
    if (writer.status().offset === 0) await writer.write(Buffer.from(textOf(n)));
    await writer.commit(0, digestOf(textOf(n)), labels);
  }

  async #leaveIngest(): Promise<void> {
    const [scope, n] = [this.#scope(), this.#random(blobs)];
    this.#say('leave ingest', scope, n);
    await using writer = await this.#metadata.content.writer(scope, `ref-${n}`, { expected: digestOf(textOf(n)) });
    if (writer.path !== undefined) await writer.write(Buffer.from('part'));
  }

  async #abort(): Promise<void> {
    const [scope, n] = [this.#scope(), this.#random(blobs)];
    this.#say('abort', scope, n);
    await this.#metadata.content.abort(scope, `ref-${n}`);
  }

  async #label(): Promise<void> {
    const [scope, n, labels] = [this.#scope(), this.#random(blobs), this.#labels()];
    this.#say('label', scope, n, labels);
    await this.#metadata.content.update(scope, { digest: digestOf(textOf(n)), labels });
  }

  async #deleteBlob(): Promise<void> {
    const [scope, n] = [this.#scope(), this.#random(blobs)];
    this.#say('delete blob', scope, n);
    await this.#metadata.content.delete(scope, digestOf(textOf(n)));
  }

  async #image(): Promise<void> {
    const [scope, name, n] = [this.#scope(), this.#imageName(), this.#random(blobs)];
    const labels = { ...(this.#random(3) === 0 && this.#expiry()), ...(this.#random(3) > 0 && this.#labels()) };
    this.#say('image', scope, name, n, labels);
    const image = { name, target: { mediaType: 'm', digest: digestOf(textOf(n)), size: 1 }, labels };
    await this.#metadata.images.create(scope, image).catch(() => this.#metadata.images.update(scope, image));
  }

  async #unimage(): Promise<void> {
    const [scope, name] = [this.#scope(), this.#imageName()];
    this.#say('remove image', scope, name);
    await this.#metadata.images.delete(scope, name);
  }

  async #prepare(): Promise<void> {
    const [scope, key] = [this.#scope(), this.#key()];
    const parent = this.#random(2) === 0 ? '' : this.#layer();
    const options = { labels: this.#labels() };
    const view = this.#random(5) === 0;
    this.#say(view ? 'view' : 'prepare', scope, key, parent);
    if (view) await this.#snapshots().view(scope, key, parent, options);
    else await this.#snapshots().prepare(scope, key, parent, options);
  }

  async #commit(): Promise<void> {
    const [scope, key, name] = [this.#scope(), this.#key(), this.#layer()];
    const parent = this.#random(4) === 0 ? { parent: this.#layer() } : {};
    this.#say('commit', scope, key, name, parent);
    using _ = this.#leaves(`snapshot/mem|${scope.namespace}|${key}`);
    await this.#snapshots().commit(scope, name, key, { labels: this.#labels(), ...parent });
  }

  async #removeSnapshot(): Promise<void> {
    const [scope, name] = [this.#scope(), this.#random(2) === 0 ? this.#layer() : this.#key()];
    this.#say('remove snapshot', scope, name);
    using _ = this.#leaves(`snapshot/mem|${scope.namespace}|${name}`);
    await this.#snapshots().remove(scope, name);
  }

  async #labelSnapshot(): Promise<void> {
    const [scope, name, labels] = [this.#scope(), this.#layer(), this.#labels()];
    this.#say('label snapshot', scope, name, labels);
    await this.#snapshots().update(scope, { name, labels });
  }

  async #useSnapshot(): Promise<void> {
    const [scope, name] = [this.#scope(), this.#layer()];
    const label = 'containerd.io/gc.cond.value-usedat';
    const at = new Date(this.#clock.ms - 1_800_000 * this.#random(10)).toISOString();
    this.#say('use snapshot', scope, name, at);
    await this.#snapshots().update(scope, { name, labels: { [label]: at } }, [`labels.${label}`]);
  }

  async #lease(): Promise<void> {
    const [scope, id] = [this.#scope(), this.#leaseId()];
    const labels = { ...(this.#random(2) === 0 && { 'containerd.io/gc.flat': '1' }), ...this.#expiry() };
    this.#say('lease', scope, id, labels);
    await this.#metadata.leases.create(scopeOf(scope.namespace), { id, labels });
  }

  async #addToLease(): Promise<void> {
    const [scope, id] = [this.#scope(), this.#leaseId()];
    const resource = this.#pick([
      { type: 'content', id: digestOf(textOf(this.#random(blobs))) },
      { type: 'snapshots/mem', id: this.#layer() },
      { type: 'images', id: this.#imageName() },
      { type: 'ingests', id: `ref-${this.#random(blobs)}` },
    ]);
    this.#say('add to lease', scope, id, resource);
    await this.#metadata.leases.addResource(scope, id, resource);
  }

  async #unlease(): Promise<void> {
    const [scope, id] = [this.#scope(), this.#leaseId()];
    this.#say('remove lease', scope, id);
    await this.#metadata.leases.delete(scope, id);
  }

  async #container(): Promise<void> {
    const [scope, id, key] = [this.#scope(), `c-${this.#random(3)}`, this.#key()];
    this.#say('container', scope, id, key);
    await this.#metadata.containers.create(scopeOf(scope.namespace), {
      ...{ id, image: '', labels: this.#labels(), runtime: { name: 'r' }, snapshotter: 'mem', snapshotKey: key },
      ...{ spec: { typeUrl: 's', value: new Uint8Array() }, extensions: {}, sandboxId: '' },
    });
  }

  async #uncontainer(): Promise<void> {
    const [scope, id] = [this.#scope(), `c-${this.#random(3)}`];
    this.#say('remove container', scope, id);
    await this.#metadata.containers.delete(scope, id);
  }

  async #sandbox(): Promise<void> {
    const [scope, id] = [this.#scope(), `box-${this.#random(2)}`];
    this.#say('sandbox', scope, id);
    await this.#metadata.sandboxes.create(scopeOf(scope.namespace), {
      ...{ id, labels: this.#labels(), runtime: { name: 'r' }, sandboxer: 'shim', extensions: {} },
    });
  }

  async #unsandbox(): Promise<void> {
    const [scope, id] = [this.#scope(), `box-${this.#random(2)}`];
    this.#say('remove sandbox', scope, id);
    await this.#metadata.sandboxes.delete(scope, id);
  }

  async #thing(): Promise<void> {
    const { namespace } = this.#scope();
    const key = `t-${this.#random(3)}`;
    const lease = this.#random(4) > 0 ? { lease: this.#leaseId() } : { root: true };
    this.log.push(`thing ${namespace} ${key} ${JSON.stringify(lease)}`);
    if (this.#random(3) === 0) this.things.delete(`${namespace}/${key}`);
    else this.things.set(`${namespace}/${key}`, { namespace, key, ...lease });
    this.#touch(namespace, key);
  }

  async #passTime(): Promise<void> {
    this.#clock.ms += 40 * 60_000 * this.#random(10);
    this.log.push(`time ${new Date(this.#clock.ms).toISOString()}`);
    await setImmediate();
  }

  #labels(): Labels {
    const labels: Record<string, string> = {};
    for (let count = this.#random(5); count > 1; count--) {
      const [label, value] = this.#pick([
        ['gc.ref.content', digestOf(textOf(this.#random(blobs)))],
        [`gc.ref.content.l.${this.#random(2)}`, digestOf(textOf(this.#random(blobs)))],
        ['gc.ref.content/x', digestOf(textOf(this.#random(blobs)))],
        ['gc.ref.snapshot.mem', this.#layer()],
        ['gc.ref.snapshot.mem/x', this.#layer()],
        ['gc.ref.image', this.#imageName()],
        ['gc.ref.thing', `t-${this.#random(3)}`],
        ['gc.bref.content', digestOf(textOf(this.#random(blobs)))],
        ['gc.bref.image.x', this.#imageName()],
        ['gc.bref.container', `c-${this.#random(3)}`],
        ['gc.bref.snapshot.mem', this.#layer()],
        ['gc.cond.snapshot.mem', `usedat<${this.#random(5)}h|${this.#layer()}`],
        ['gc.cond.snapshot.mem/old', `usedat>${this.#random(5)}h|${this.#layer()}`],
        ['gc.root', 'now'],
      ] as const);
      labels[`containerd.io/${label}`] = value;
    }
    return labels;
  }

  #expiry(): Labels {
    const at = new Date(this.#clock.ms + (this.#random(4) - 1) * 3_600_000).toISOString();
    return this.#pick([{}, { 'containerd.io/gc.expire': at }, { 'containerd.io/gc.expire': 'rubbish' }]);
  }

  #scope(): Scope {
    const namespace = this.#pick(['a', 'a', 'a', 'b', 'b', 'c']);
    return scopeOf(namespace, this.#random(4) === 0 ? { lease: this.#leaseId() } : {});
  }

  #snapshots() {
    const store = this.#metadata.snapshotters.get('mem');
    if (store === undefined) throw new Error('no snapshotter');
    return store;
  }

  #leaves(id: string): Disposable {
    this.leaving.set(id, (this.leaving.get(id) ?? 0) + 1);
    return { [Symbol.dispose]: () => void this.leaving.set(id, (this.leaving.get(id) ?? 1) - 1) };
  }

  #layer = (): string => `layer-${this.#random(5)}`;
  #key = (): string => `key-${this.#random(4)}`;
  #imageName = (): string => `image-${this.#random(4)}`;
  #leaseId = (): string => `lease-${this.#random(2)}`;

  #pick<T>(from: readonly T[]): T {
    return from[this.#random(from.length)] as T;
  }

  #say(what: string, scope: Scope, ...rest: unknown[]): void {
    this.log.push(`${what} ${scope.namespace} ${scope.lease ?? ''} ${JSON.stringify(rest)}`);
  }
}
