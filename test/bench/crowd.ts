import { setImmediate as turn } from 'node:timers/promises';
import { packProcess, unpackSpec } from '#client/any-json';
import { type Client, openClient } from '#client/client';
import { createTask } from '#client/task';
import type { Container } from '#core/containers/containers';
import { type Scope, scopeOf } from '#core/scope';
import { idAt, image, importBusybox, removeBusybox, removeContainer, runIdle } from './busybox.ts';
import type { Engine } from './engine.ts';
import type { Bench, Result } from './measure.ts';
import { ctr, namespace } from './programs.ts';
import { inTurns } from './samples.ts';

/** A hundred containers started by one client, sixteen at a time, and removed again; then thirty execs at once in one container. */
export async function crowds({ engines, directory, slowRounds }: Bench): Promise<readonly Result[]> {
  for (const engine of engines.all) await importBusybox(engine, directory);
  await using open = new AsyncDisposableStack();
  const crowd: Crowd[] = [];
  for (const engine of engines.all) crowd.push(await Crowd.open(engine, open));
  const started = await inTurns(
    slowRounds,
    crowd.map((one) => ({ engine: one.engine, work: () => one.startAll(), after: () => one.removeAll() })),
  );
  const removed = await inTurns(
    slowRounds,
    crowd.map((one) => ({ engine: one.engine, before: () => one.startAll(), work: () => one.removeAll() })),
  );
  for (const engine of engines.all) await runIdle(engine, idAt(engine, 'crowded'));
  const executed = await inTurns(
    slowRounds,
    crowd.map((one) => ({
      engine: one.engine,
      work: (round: number) => one.execAll(idAt(one.engine, 'crowded'), round),
    })),
  );
  for (const engine of engines.all) {
    await removeContainer(engine, idAt(engine, 'crowded'));
    await ctr(engine, 'container', 'rm', idAt(engine, 'pattern'));
    await removeBusybox(engine);
  }
  return [
    { name: `${count} starts, ${width} at a time`, unit: 'ms', figures: started, goal: { ratio: 0.8, aim: 0.6 } },
    { name: 'and their removal', unit: 'ms', figures: removed, goal: { ratio: 0.8, aim: 0.6 } },
    { name: `${execs} execs in one container at once`, unit: 'ms', figures: executed, goal: { ratio: 0.8, aim: 0.7 } },
  ];
}

const count = 100;
const width = 16;
const execs = 30;
const noStreams = { stdin: '', stdout: '', stderr: '', terminal: false };

/** Many containers of one engine, made like the one that `ctr` makes. */
class Crowd {
  readonly engine: Engine;
  readonly #client: Client;
  readonly #scope: Scope = scopeOf(namespace);
  readonly #pattern: Container;
  readonly #parent: string;

  private constructor(engine: Engine, client: Client, pattern: Container, parent: string) {
    this.engine = engine;
    this.#client = client;
    this.#pattern = pattern;
    this.#parent = parent;
  }

  static async open(engine: Engine, open: AsyncDisposableStack): Promise<Crowd> {
    await ctr(engine, 'container', 'create', image, idAt(engine, 'pattern'), 'sleep', '100000');
    const client = open.use(openClient(engine.address));
    const scope = scopeOf(namespace);
    const pattern = await client.containers.get(scope, idAt(engine, 'pattern'));
    const snapshotter = await client.snapshotter(scope, pattern.snapshotter);
    const { parent } = await snapshotter.stat(scope, pattern.snapshotKey);
    return new Crowd(engine, client, pattern, parent);
  }

  async startAll(): Promise<void> {
    // Or a collection takes a snapshot before its container is there.
    await using lease = await this.#client.lease(this.#scope);
    await each(this.#ids(), width, (id) => this.#start(lease.scope, id));
  }

  removeAll(): Promise<void> {
    return each(this.#ids(), width, (id) => this.#remove(id));
  }

  execAll(id: string, round: number): Promise<void> {
    const names = Array.from({ length: execs }, (_, at) => `exec-${round}-${at}`);
    return each(names, execs, (execId) => this.#exec(id, execId));
  }

  #ids(): readonly string[] {
    return Array.from({ length: count }, (_, at) => idAt(this.engine, `crowd-${at}`));
  }

  async #start(scope: Scope, id: string): Promise<void> {
    const { createdAt: _, updatedAt: __, ...record } = this.#pattern;
    const snapshotter = await this.#client.snapshotter(scope, record.snapshotter);
    await snapshotter.prepare(scope, id, this.#parent);
    const container = await this.#client.containers.create(scope, {
      ...record,
      id,
      snapshotKey: id,
      spec: specFor(record.spec, idAt(this.engine, 'pattern'), id),
    });
    await createTask(this.#client, scope, container, noStreams);
    await this.#client.tasks.start(scope, id, '');
  }

  async #remove(id: string): Promise<void> {
    const { tasks, containers } = this.#client;
    const ended = tasks.wait(this.#scope, id, '');
    await tasks.kill(this.#scope, id, { execId: '', signal: 9, all: false });
    await ended;
    await tasks.delete(this.#scope, id);
    const snapshotter = await this.#client.snapshotter(this.#scope, this.#pattern.snapshotter);
    await snapshotter.remove(this.#scope, id);
    await containers.delete(this.#scope, id);
  }

  async #exec(id: string, execId: string): Promise<void> {
    const { tasks } = this.#client;
    const { process } = unpackSpec(this.#pattern.spec);
    if (process === undefined) throw new Error('a container without a process');
    const spec = packProcess({ ...process, args: ['true'] });
    await tasks.exec(this.#scope, id, { ...noStreams, execId, spec });
    const ended = tasks.wait(this.#scope, id, execId);
    await tasks.start(this.#scope, id, execId);
    await ended;
    await tasks.deleteProcess(this.#scope, id, execId);
  }
}

/** Each container has a control group of its own, named in its specification. */
function specFor(spec: Container['spec'], pattern: string, id: string): Container['spec'] {
  const text = Buffer.from(spec.value).toString().replaceAll(pattern, id);
  return { ...spec, value: Buffer.from(text) };
}

/** Does all, so many at a time. */
async function each<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const worker = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  await turn();
}
