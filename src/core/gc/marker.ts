import type { Node } from './node.ts';

/** The references between objects, as they are at the moment of asking. */
export interface Graph {
  /** What is kept when this is kept. An object that is not there refers to nothing. */
  references(node: Node): Iterable<Node>;
}

/**
 * Tri-colour marking of a graph that changes meanwhile.
 *
 * White is what has not been reached, grey what has been reached but not looked at, black what is done. The rule that makes it right: whoever makes
 * an object, adds a reference to it, or makes it a root, calls `shade` before the next `step`, be it black or not. Then whatever is reachable
 * when nothing is grey is black: take its path from a root; each reference on it either was there when its holder was looked at,
 * or its holder was shaded since and looked at again. References that vanish need no telling; what hung on them alone stays until next time.
 */
export class Marker {
  readonly #graph: Graph;
  readonly #reached = new Set<string>();
  readonly #grey: Node[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** A root, or an object that has changed. */
  shade(node: Node): void {
    this.#reached.add(idOf(node));
    this.#grey.push(node);
  }

  /** Looks at one grey object; false when there is none. */
  step(): boolean {
    const node = this.#grey.pop();
    if (node === undefined) return false;
    for (const target of this.#graph.references(node)) {
      const id = idOf(target);
      if (this.#reached.has(id)) continue;
      this.#reached.add(id);
      this.#grey.push(target);
    }
    return true;
  }

  /** Nothing is grey: what is not reached now is garbage. */
  get idle(): boolean {
    return this.#grey.length === 0;
  }

  /** Whether it has been reached, be it flat. */
  has(node: Node): boolean {
    return this.#reached.has(idOf({ ...node, flat: false })) || this.#reached.has(idOf({ ...node, flat: true }));
  }
}

/** A text that two nodes share when they are the same object, kept in the same way. */
export const idOf = ({ kind, namespace, key, flat = false }: Node): string =>
  `${flat ? '~' : ''}${kind}\n${namespace}\n${key}`;
