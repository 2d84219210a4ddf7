import { openClient } from '#client/client';
import { scopeOf } from '#core/scope';
import { image, importBusybox } from './busybox.ts';
import { roundsBefore } from './containers.ts';
import { type Engine, startEngines } from './engine.ts';
import type { Bench, Result } from './measure.ts';
import { ctr, namespace } from './programs.ts';
import { inTurns } from './samples.ts';

/** One call after the other on one connection. */
export async function unaryCalls({ engines, quickRounds }: Bench): Promise<readonly Result[]> {
  await using open = new AsyncDisposableStack();
  const { signal } = new AbortController();
  const contestants = engines.all.map((engine) => {
    const client = open.use(openClient(engine.address));
    const work = async (): Promise<void> => {
      for (let call = 0; call < callsARound; call++) await client.version(signal);
    };
    return { engine, work };
  });
  const figures = await inTurns(quickRounds, contestants, roundsBefore);
  return [{ name: `${callsARound} calls (Version) in a row`, unit: 'ms', figures, goal: { ratio: 1.5, aim: 1.2 } }];
}

const callsARound = 500;

/** Events published by one client, until each of a hundred subscribers has them all. */
export async function eventsToMany({ engines, slowRounds }: Bench): Promise<readonly Result[]> {
  await using open = new AsyncDisposableStack();
  const crowds: Audience[] = [];
  for (const engine of engines.all) crowds.push(open.use(await Audience.gather(engine)));
  const contestants = crowds.map((one) => ({ engine: one.engine, work: (round: number) => one.tell(round) }));
  const figures = await inTurns(slowRounds, contestants);
  const name = `${events} events to ${subscribers} subscribers`;
  return [{ name, unit: 'ms', figures, goal: { ratio: 1, aim: 1 } }];
}

const subscribers = 100;
const connections = 4;
const events = 200;

class Audience implements AsyncDisposable {
  readonly engine: Engine;
  readonly #open: AsyncDisposableStack;
  readonly #clients: readonly ReturnType<typeof openClient>[];
  readonly #over = new AbortController();
  #heard = 0;
  #all: (() => void) | undefined;

  private constructor(engine: Engine) {
    this.engine = engine;
    this.#open = new AsyncDisposableStack();
    this.#clients = Array.from({ length: connections }, () => this.#open.use(openClient(engine.address)));
  }

  static async gather(engine: Engine): Promise<Audience> {
    const audience = new Audience(engine);
    for (let at = 0; at < subscribers; at++) void audience.#listen(at);
    // Nothing tells that a subscription stands: one event after the other until all hear them.
    for (let tries = 0; audience.#heard < subscribers; tries++) {
      if (tries > 100) throw new Error(`${engine.name} does not tell all its subscribers`);
      audience.#heard = 0;
      await audience.#publish('/warming/up');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return audience;
  }

  async tell(round: number): Promise<void> {
    this.#heard = 0;
    const all = new Promise<void>((resolve) => (this.#all = resolve));
    for (let at = 0; at < events; at++) await this.#publish(`/bench/round${round}`);
    await all;
  }

  #publish(topic: string): Promise<void> {
    const event = { typeUrl: 'containerd.events.NamespaceCreate', value: new Uint8Array([10, 1, 120]) };
    return this.#clients[0]!.events.publish(namespace, topic, event);
  }

  async #listen(at: number): Promise<void> {
    const client = this.#clients[at % connections]!;
    try {
      for await (const _ of client.events.subscribe(this.#over.signal, [`namespace==${namespace}`])) {
        this.#heard++;
        if (this.#heard === subscribers * events) this.#all?.();
      }
    } catch (thrown) {
      if (!this.#over.signal.aborted) throw thrown;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#open.disposeAsync();
  }
}

/** `ctr c ls` of a store with many containers, in daemons of their own. */
export async function listManyContainers({ directory, quickRounds, peers }: Bench): Promise<readonly Result[]> {
  await using engines = await startEngines('/dev/shm', peers);
  for (const engine of engines.all) await fill(engine, directory);
  const contestants = engines.all.map((engine) => ({ engine, work: () => ctr(engine, 'container', 'ls') }));
  const figures = await inTurns(quickRounds, contestants, roundsBefore);
  return [{ name: `list ${storedContainers} containers`, unit: 'ms', figures, goal: { ratio: 1.5 } }];
}

const storedContainers = 10_000;

/** Containers like the one that `ctr` itself makes. */
async function fill(engine: Engine, directory: string): Promise<void> {
  await importBusybox(engine, directory);
  await ctr(engine, 'container', 'create', image, 'c-0', 'true');
  await using client = openClient(engine.address);
  const scope = scopeOf(namespace);
  const { createdAt: _, updatedAt: __, ...first } = await client.containers.get(scope, 'c-0');
  for (let at = 1; at < storedContainers; at += 50) {
    const some = Array.from({ length: Math.min(50, storedContainers - at) }, (_, i) => `c-${at + i}`);
    await Promise.all(some.map((id) => client.containers.create(scope, { ...first, id })));
  }
}
