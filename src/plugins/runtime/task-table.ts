import { alreadyExists, notFound } from '#base/errors';
import type { ProcessExit } from '#core/runtime/runtime';
import type { Scope } from '#core/scope';
import type { Shim } from './shim.ts';

/** A container that has a task, and what the daemon knows of it. */
export interface Task {
  readonly namespace: string;
  readonly id: string;
  readonly shim: Shim;
  /** Of its first process; 0 where that is not known. */
  readonly pid: number;
  /** Subscribers have heard of its end. */
  exitTold: boolean;
  /** Its first process was seen to run, and nobody has asked for it to be paused since: while the process is there, it runs. */
  running?: boolean;
  /** A delete has the word: a connection that ends now is no accident. */
  deleting: boolean;
  /** The clean-up after its shim's death, once that has begun. */
  burial?: Promise<ProcessExit>;
}

/** All tasks, by namespace and id. A task stands here from the moment its shim has made it until its deletion is certain. */
export class TaskTable {
  readonly #tasks = new Map<string, Task>();
  readonly #reserved = new Set<string>();

  /** Takes the name for a task that is being made; dispose when it is made or given up. @throws already_exists */
  reserve(namespace: string, id: string): Disposable {
    const key = keyOf(namespace, id);
    if (this.#tasks.has(key) || this.#reserved.has(key)) throw alreadyExists(`task ${id}`);
    this.#reserved.add(key);
    return { [Symbol.dispose]: () => this.#reserved.delete(key) };
  }

  /** A task of that name is being made. */
  isReserved(namespace: string, id: string): boolean {
    return this.#reserved.has(keyOf(namespace, id));
  }

  add(task: Task): void {
    this.#tasks.set(keyOf(task.namespace, task.id), task);
  }

  /** Takes it off, unless another of that name has come in its place. Tells whether it was there. */
  remove(task: Task): boolean {
    const key = keyOf(task.namespace, task.id);
    return this.#tasks.get(key) === task && this.#tasks.delete(key);
  }

  find(namespace: string, id: string): Task | undefined {
    return this.#tasks.get(keyOf(namespace, id));
  }

  /** @throws not_found */
  get(scope: Scope, id: string): Task {
    const task = this.find(scope.namespace, id);
    if (task === undefined) throw notFound(`task ${id}`);
    return task;
  }

  in(namespace: string): readonly Task[] {
    return [...this.#tasks.values()].filter((task) => task.namespace === namespace);
  }

  all(): readonly Task[] {
    return [...this.#tasks.values()];
  }
}

// A slash stands in neither: both are identifiers.
const keyOf = (namespace: string, id: string): string => `${namespace}/${id}`;
