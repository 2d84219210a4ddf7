import { setImmediate } from 'node:timers/promises';
import type { ContentStore } from '#core/content/content';
import { memoryContent } from '#core/content/memory';
import type { NodeKind } from '#core/gc/node';
import type { Metadata } from '#core/metadata';
import { scopeOf } from '#core/scope';
import { type Gate, History, randomNumbers } from './collection-history.fixture.ts';
import { MemorySnapshotter } from './memory-snapshotter.fixture.ts';
import { asBackend, openTestMetadata } from './metadata.fixture.ts';
import { type Picture, type Watcher as PictureWatcher, Watcher } from './reachability.fixture.ts';

/** How much there is before anybody stops anywhere, and how many turns are taken then. */
const beginnings = 40;
const steps = 60;
const never = new AbortController().signal;

/**
 * One random history by its seed: a few operations at a time, each of which may stop wherever a backend is at work, and collections that go on one slice
 * whenever they are drawn. Whatever the model reaches before such a slice is there after it; when all is over, nothing else is.
 *
 * Gives what was done.
 *
 * @throws with the seed and what was done, when that is not so
 */
export async function play(seed: number): Promise<readonly string[]> {
  const random = randomNumbers(seed);
  const clock = { ms: Date.parse('2030-01-01T00:00:00Z') };
  const gates = new Gates(random);
  const pace = new Turns();
  const snapshotter = new MemorySnapshotter();
  snapshotter.before = () => gates.hold();
  snapshotter.after = () => gates.hold();
  const content = gated(asBackend(memoryContent()), gates);
  await using opened = await openTestMetadata({
    ...{ content, snapshotters: new Map([['mem', snapshotter]]), pace, now: () => clock.ms, durable: false },
    policy: seed % 2 === 0 ? 'shared' : 'isolated',
  });
  using watcher = new Watcher(opened.path);
  const history = new History(opened.metadata, random, clock);
  const game = new Game({ gates, pace, history, watcher, clock, content, snapshotter });
  try {
    gates.open = true;
    for (let i = 0; i < beginnings; i++) await history.act();
    gates.open = false;
    for (let step = 0; step < steps; step++) {
      const what = random(8);
      if (what < 3) game.begin(history.act());
      else if (what < 5 && !pace.ended) await game.advance(random(40));
      else if (what < 5) game.collect(() => opened.metadata.collect(never));
      else gates.release(random);
      await settle();
    }
    await game.quiet();
    await game.compare((id) => whyOf(opened.metadata, id), random);
    await game.end(() => opened.metadata.collect(never));
    return history.log;
  } catch (thrown) {
    // What is under way must end, or closing would wait for it.
    gates.open = true;
    gates.releaseAll();
    pace.letGo();
    throw new Error(`seed ${seed}: ${String(thrown)}\n${history.log.join('\n')}`, { cause: thrown });
  }
}

async function whyOf(metadata: Metadata, id: string): Promise<string> {
  const [kind = '', namespace = '', key = ''] = id.split('|');
  const { state, chains } = await metadata.why(scopeOf(namespace), { kind: kind as NodeKind, key });
  for (const links of chains) {
    const last = links.at(-1);
    if (last?.kind !== kind || last.key !== key) throw new Error(`a chain to ${id} ends with ${JSON.stringify(last)}`);
  }
  return state;
}

interface Pieces {
  readonly gates: Gates;
  readonly pace: Turns;
  readonly history: History;
  readonly watcher: PictureWatcher;
  readonly clock: { readonly ms: number };
  readonly content: ContentStore;
  readonly snapshotter: MemorySnapshotter;
}

class Game {
  readonly #pieces: Pieces;
  readonly #running = new Set<Promise<unknown>>();
  #failure: unknown;

  constructor(pieces: Pieces) {
    this.#pieces = pieces;
  }

  begin(work: Promise<unknown>): void {
    const followed: Promise<unknown> = work
      .catch((thrown: unknown) => {
        this.#failure ??= thrown;
      })
      .finally(() => this.#running.delete(followed));
    this.#running.add(followed);
  }

  collect(run: () => Promise<unknown>): void {
    const { pace, history } = this.#pieces;
    history.log.push('collect');
    pace.ended = false;
    this.begin(
      run().finally(() => {
        pace.ended = true;
        history.log.push('collected');
      }),
    );
  }

  /** Lets the collection go on for some slices, and looks at what went. */
  async advance(count: number): Promise<void> {
    const { pace, history } = this.#pieces;
    if (this.#failure !== undefined) throw this.#failure;
    const before = this.#picture();
    for (let i = 0; i < count && !pace.ended; i++) {
      pace.release();
      await setImmediate();
    }
    const after = this.#picture();
    for (const id of before.reachable)
      if (!after.all.has(id) && (history.leaving.get(id) ?? 0) === 0)
        throw new Error(`${id} was reachable and is gone`);
    await this.#checkBackends(after);
  }

  /** Lets everything end. */
  async quiet(): Promise<void> {
    this.#pieces.gates.open = true;
    await this.#finish();
  }

  /** What is said of why things are kept is what the model finds. */
  async compare(ask: (id: string) => Promise<string>, random: (below: number) => number): Promise<void> {
    const { all, reachable } = this.#picture();
    for (let i = 0; i < 3 && all.size > 0; i++) {
      const id = [...all][random(all.size)] as string;
      const [found, wanted] = [await ask(id), reachable.has(id) ? 'kept' : 'unreferenced'];
      if (found !== wanted) throw new Error(`${id} is said to be ${found}, and is ${wanted}`);
    }
  }

  /** Lets everything end, collects once more with nobody else there, and looks for what is too many. */
  async end(run: () => Promise<unknown>): Promise<void> {
    const { pace, history } = this.#pieces;
    await this.quiet();
    this.collect(run);
    await this.#finish();
    if (this.#failure !== undefined) throw this.#failure;
    const picture = this.#picture();
    const { all, reachable, blobs, expected, backendKeys } = picture;
    const left = [...all].filter((id) => !reachable.has(id));
    if (left.length > 0) throw new Error(`left over: ${left.join(', ')}`);
    for (const { namespace, key } of history.things.values())
      if (!reachable.has(`other/thing|${namespace}|${key}`)) throw new Error(`thing ${key} was left`);
    // An ingest keeps the blob that it waits for: it may be committed without its bytes.
    const extra = [...(await this.#files())].filter((digest) => !blobs.has(digest) && !expected.has(digest));
    const { infos } = this.#pieces.snapshotter;
    extra.push(...[...infos.keys()].filter((key) => !backendKeys.has(key)));
    if (extra.length > 0) throw new Error(`left in a backend: ${extra.join(', ')}`);
    await this.#checkBackends(picture);
    if (!pace.ended) throw new Error('the collection did not end');
  }

  async #finish(): Promise<void> {
    const { gates, pace } = this.#pieces;
    for (let turn = 0; this.#running.size > 0; turn++) {
      if (turn > 20_000) throw new Error('something never ends');
      gates.releaseAll();
      pace.release();
      await setImmediate();
    }
  }

  /** What rows stand for is there, too. */
  async #checkBackends({ all, blobs, snapshots, parents }: Picture): Promise<void> {
    for (const parent of parents) if (!all.has(parent)) throw new Error(`${parent} has a child and is gone`);
    const files = await this.#files();
    for (const digest of blobs) if (!files.has(digest)) throw new Error(`the file of ${digest} is gone`);
    const { infos } = this.#pieces.snapshotter;
    for (const keys of snapshots)
      if (!keys.some((key) => infos.has(key))) throw new Error(`the snapshot ${keys.join(' or ')} is gone`);
  }

  async #files(): Promise<Set<string>> {
    const found = new Set<string>();
    for await (const { digest } of this.#pieces.content.walk(scopeOf(''))) found.add(digest);
    return found;
  }

  #picture(): Picture {
    const { watcher, clock, history } = this.#pieces;
    return watcher.picture(clock.ms, [...history.things.values()]);
  }
}

/** Where operations stop, or not, until they are let go. */
class Gates implements Gate {
  open = false;
  readonly #random: (below: number) => number;
  readonly #waiting: (() => void)[] = [];

  constructor(random: (below: number) => number) {
    this.#random = random;
  }

  hold(): Promise<void> {
    if (this.open || this.#random(2) === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Lets one go. */
  release(random: (below: number) => number): void {
    if (this.#waiting.length > 0) this.#waiting.splice(random(this.#waiting.length), 1)[0]?.();
  }

  releaseAll(): void {
    for (const release of this.#waiting.splice(0)) release();
  }
}

/** Lets a collection go on one step whenever the test says so. */
class Turns {
  readonly sliceMs = 0;
  ended = true;
  #free = false;
  readonly #waiting: (() => void)[] = [];

  pause(): Promise<void> {
    if (this.#free) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  release(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  /** It stops no more. */
  letGo(): void {
    this.#free = true;
    this.release();
  }
}

/** The same store, whose changes stop at gates before and after. */
function gated(store: ContentStore, gate: Gate): ContentStore {
  const around = async <T>(work: () => Promise<T>): Promise<T> => {
    await gate.hold();
    const result = await work();
    await gate.hold();
    return result;
  };
  return {
    ...store,
    delete: (scope, digest) => around(() => store.delete(scope, digest)),
    abort: (scope, ref) => around(() => store.abort(scope, ref)),
    async writer(scope, ref, options) {
      const writer = await store.writer(scope, ref, options);
      const commit = writer.commit.bind(writer);
      writer.commit = (size, expected, labels) => around(() => commit(size, expected, labels));
      return writer;
    },
  };
}

/** Until nothing goes on by itself: no work here waits for anything but promises, gates and turns. */
async function settle(): Promise<void> {
  for (let i = 0; i < 2; i++) await setImmediate();
}
