import { expect, test } from 'bun:test';
import { setImmediate } from 'node:timers/promises';
import type { Fault } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import { memoryContent } from '#core/content/memory';
import type { Labels } from '#core/labels';
import type { Metadata } from '#core/metadata';
import { type Scope, scopeOf } from '#core/scope';
import { digestOf } from '#lib/digest';
import { MemorySnapshotter } from './memory-snapshotter.fixture.ts';
import { asBackend, openTestMetadata, type TestMetadata } from './metadata.fixture.ts';
import { type Picture, pictureOf } from './reachability.fixture.ts';

/** The same numbers at every run: a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed * 7919 + 17;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return (state >>> 8) % below;
  };
}

const seeds = 16;
const stepsPerSeed = 160;
const textOf = (n: number) => `blob ${n}`;

/** One random history, with collections that advance a step at a time between the operations. */
class History {
  readonly #opened: TestMetadata;
  readonly #metadata: Metadata;
  readonly #random: (below: number) => number;
  readonly #clock: { ms: number };
  readonly log: string[] = [];

  constructor(opened: TestMetadata, random: (below: number) => number, clock: { ms: number }) {
    this.#opened = opened;
    this.#metadata = opened.metadata;
    this.#random = random;
    this.#clock = clock;
  }

  picture(): Picture {
    return pictureOf(this.#opened.path, this.#clock.ms);
  }

  /** Does something. What is refused (not found, already there, has children) is part of the game. */
  async act(): Promise<void> {
    const operations = [
      ...[this.#ingest, this.#ingest, this.#ingest, this.#image, this.#image, this.#unimage],
      ...[this.#label, this.#label, this.#deleteBlob, this.#prepare, this.#prepare, this.#commit, this.#commit],
      ...[this.#removeSnapshot, this.#labelSnapshot, this.#lease, this.#addToLease, this.#unlease],
      ...[this.#container, this.#uncontainer, this.#leaveIngest, this.#abort, this.#passTime],
    ];
    const operation = this.#pick(operations);
    try {
      await operation.call(this);
    } catch (thrown) {
      const { class: cls } = thrown as Fault;
      if (!['not_found', 'already_exists', 'failed_precondition', 'invalid_argument', 'unavailable'].includes(cls))
        throw thrown;
      this.log.push(`  ${cls}`);
    }
  }

  async #ingest(): Promise<void> {
    const [scope, n, labels] = [this.#scope(), this.#random(12), this.#labels()];
    this.#say('ingest', scope, n, labels);
    await using writer = await this.#metadata.content.writer(scope, `ref-${n}`, { expected: digestOf(textOf(n)) });
    await writer.truncate(writer.status().offset === textOf(n).length ? textOf(n).length : 0);
    if (writer.status().offset === 0) await writer.write(Buffer.from(textOf(n)));
    await writer.commit(0, digestOf(textOf(n)), labels);
  }

  async #leaveIngest(): Promise<void> {
    const [scope, n] = [this.#scope(), this.#random(12)];
    this.#say('leave ingest', scope, n);
    await using writer = await this.#metadata.content.writer(scope, `ref-${n}`, { expected: digestOf(textOf(n)) });
    if (writer.path !== undefined) await writer.write(Buffer.from('part'));
  }

  async #abort(): Promise<void> {
    const [scope, n] = [this.#scope(), this.#random(12)];
    this.#say('abort', scope, n);
    await this.#metadata.content.abort(scope, `ref-${n}`);
  }

  async #label(): Promise<void> {
    const [scope, n, labels] = [this.#scope(), this.#random(12), this.#labels()];
    this.#say('label', scope, n, labels);
    await this.#metadata.content.update(scope, { digest: digestOf(textOf(n)), labels });
  }

  async #deleteBlob(): Promise<void> {
    const [scope, n] = [this.#scope(), this.#random(12)];
    this.#say('delete blob', scope, n);
    await this.#metadata.content.delete(scope, digestOf(textOf(n)));
  }

  async #image(): Promise<void> {
    const [scope, name, n] = [this.#scope(), `image-${this.#random(4)}`, this.#random(12)];
    const labels = this.#random(3) === 0 ? this.#expiry() : this.#labels();
    this.#say('image', scope, name, n, labels);
    const image = { name, target: { mediaType: 'm', digest: digestOf(textOf(n)), size: 1 }, labels };
    await this.#metadata.images.create(scope, image).catch(() => this.#metadata.images.update(scope, image));
  }

  async #unimage(): Promise<void> {
    const [scope, name] = [this.#scope(), `image-${this.#random(4)}`];
    this.#say('remove image', scope, name);
    await this.#metadata.images.delete(scope, name);
  }

  async #prepare(): Promise<void> {
    const [scope, key] = [this.#scope(), `key-${this.#random(4)}`];
    const parent = this.#random(2) === 0 ? '' : this.#layer();
    this.#say('prepare', scope, key, parent);
    await this.#snapshots().prepare(scope, key, parent, { labels: this.#labels() });
  }

  async #commit(): Promise<void> {
    const [scope, key, name] = [this.#scope(), `key-${this.#random(4)}`, this.#layer()];
    this.#say('commit', scope, key, name);
    await this.#snapshots().commit(scope, name, key, { labels: this.#labels() });
  }

  async #removeSnapshot(): Promise<void> {
    const [scope, name] = [this.#scope(), this.#random(2) === 0 ? this.#layer() : `key-${this.#random(4)}`];
    this.#say('remove snapshot', scope, name);
    await this.#snapshots().remove(scope, name);
  }

  async #labelSnapshot(): Promise<void> {
    const [scope, name, labels] = [this.#scope(), this.#layer(), this.#labels()];
    this.#say('label snapshot', scope, name, labels);
    await this.#snapshots().update(scope, { name, labels });
  }

  async #lease(): Promise<void> {
    const [scope, id] = [this.#scope(), `lease-${this.#random(2)}`];
    const labels = { ...(this.#random(2) === 0 && { 'containerd.io/gc.flat': '1' }), ...this.#expiry() };
    this.#say('lease', scope, id, labels);
    await this.#metadata.leases.create(scopeOf(scope.namespace), { id, labels });
  }

  async #addToLease(): Promise<void> {
    const [scope, id] = [this.#scope(), `lease-${this.#random(2)}`];
    const resource = this.#pick([
      { type: 'content', id: digestOf(textOf(this.#random(12))) },
      { type: 'snapshots/mem', id: this.#layer() },
      { type: 'images', id: `image-${this.#random(4)}` },
      { type: 'ingests', id: `ref-${this.#random(12)}` },
    ]);
    this.#say('add to lease', scope, id, resource);
    await this.#metadata.leases.addResource(scope, id, resource);
  }

  async #unlease(): Promise<void> {
    const [scope, id] = [this.#scope(), `lease-${this.#random(2)}`];
    this.#say('remove lease', scope, id);
    await this.#metadata.leases.delete(scope, id);
  }

  async #container(): Promise<void> {
    const [scope, id, key] = [this.#scope(), `c-${this.#random(3)}`, `key-${this.#random(4)}`];
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

  async #passTime(): Promise<void> {
    this.#clock.ms += 40 * 60_000 * this.#random(10);
    this.log.push(`time ${new Date(this.#clock.ms).toISOString()}`);
  }

  #labels(): Labels {
    const labels: Record<string, string> = {};
    for (let count = this.#random(4); count > 1; count--) {
      const [label, value] = this.#pick([
        ['gc.ref.content', digestOf(textOf(this.#random(12)))],
        [`gc.ref.content.l.${this.#random(2)}`, digestOf(textOf(this.#random(12)))],
        ['gc.ref.content/x', digestOf(textOf(this.#random(12)))],
        ['gc.ref.snapshot.mem', this.#layer()],
        ['gc.ref.snapshot.mem/x', this.#layer()],
        ['gc.ref.image', `image-${this.#random(4)}`],
        ['gc.bref.content', digestOf(textOf(this.#random(12)))],
        ['gc.bref.image.x', `image-${this.#random(4)}`],
        ['gc.bref.container', `c-${this.#random(3)}`],
        ['gc.bref.snapshot.mem', this.#layer()],
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
    const namespace = this.#pick(['a', 'a', 'b']);
    return scopeOf(namespace, this.#random(4) === 0 ? { lease: `lease-${this.#random(2)}` } : {});
  }

  #snapshots() {
    const store = this.#metadata.snapshotters.get('mem');
    if (store === undefined) throw new Error('no snapshotter');
    return store;
  }

  #layer(): string {
    return `layer-${this.#random(5)}`;
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random(from.length)] as T;
  }

  #say(what: string, scope: Scope, ...rest: unknown[]): void {
    this.log.push(`${what} ${scope.namespace} ${scope.lease ?? ''} ${JSON.stringify(rest)}`);
  }
}

/** Lets a collection go on one step whenever the test says so. */
class Steps {
  #waiting: (() => void) | undefined;
  readonly pace = {
    sliceMs: 0,
    pause: () =>
      new Promise<void>((resolve) => {
        this.#waiting = resolve;
      }),
  };

  release(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }
}

async function blobsIn(content: ContentStore): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { digest } of content.walk(scopeOf(''))) found.add(digest);
  return found;
}

async function play(seed: number): Promise<void> {
  const random = randomNumbers(seed);
  const clock = { ms: Date.now() };
  const steps = new Steps();
  const [content, snapshotter] = [asBackend(memoryContent()), new MemorySnapshotter()];
  await using opened = await openTestMetadata({
    ...{ content, snapshotters: new Map([['mem', snapshotter]]), pace: steps.pace, now: () => clock.ms },
    policy: seed % 2 === 0 ? 'shared' : 'isolated',
  });
  const history = new History(opened, random, clock);
  let collection: Promise<unknown> | undefined;
  const advance = async (count: number) => {
    for (let i = 0; i < count; i++) {
      steps.release();
      await setImmediate();
    }
  };
  const fail = (why: string) => new Error(`seed ${seed}: ${why}\n${history.log.join('\n')}`);
  for (let step = 0; step < stepsPerSeed; step++) {
    await history.act();
    const { reachable } = history.picture();
    if (collection === undefined && random(6) === 0) {
      history.log.push('collect');
      collection = opened.metadata.collect(new AbortController().signal).finally(() => {
        collection = undefined;
      });
    }
    await advance(random(14));
    const { all, blobs, backendKeys } = history.picture();
    for (const id of reachable) if (!all.has(id)) throw fail(`${id} was reachable and is gone`);
    const files = await blobsIn(content);
    for (const digest of blobs) if (!files.has(digest)) throw fail(`the file of ${digest} is gone`);
    for (const key of backendKeys) if (!snapshotter.infos.has(key)) throw fail(`the snapshot ${key} is gone`);
  }
  while (collection !== undefined) await advance(1);
  const last = opened.metadata.collect(new AbortController().signal);
  let over = false;
  last.finally(() => {
    over = true;
  });
  while (!over) await advance(1);
  await last;
  const end = history.picture();
  const garbage = [...end.all].filter((id) => !end.reachable.has(id));
  if (garbage.length > 0) throw fail(`left over: ${garbage.join(', ')}`);
  // An ingest keeps the blob that it waits for: it may be committed without its bytes.
  const files = [...(await blobsIn(content))];
  expect(files.filter((digest) => !end.blobs.has(digest) && !end.expected.has(digest))).toEqual([]);
  expect([...end.blobs].filter((digest) => !files.includes(digest))).toEqual([]);
  expect([...snapshotter.infos.keys()].sort()).toEqual([...end.backendKeys].sort());
}

test('random histories: nothing that is reachable goes, everything else does', async () => {
  for (let seed = 1; seed <= seeds; seed++) await play(seed);
}, 60_000);
