import { idOf } from './marker.ts';
import type { Node, Reference } from './node.ts';

/** References that say what makes them. */
interface Graph {
  references(node: Node): Iterable<Reference>;
}

/** Who refers to an object. */
interface Holder {
  readonly node: Node;
  readonly by: string;
}

/** What a chain is made of: `by` is what in the node before refers to it, '' for the first. */
export type ChainLink = Holder;

/** So many beginnings of chains are followed at most: objects that refer to each other in many ways have more chains than anybody can count. */
const maxTries = 20_000;

/**
 * Notes of everything that roots reach who refers to it, so that chains can be read backwards. Generators, which yield after each object.
 */
export class References {
  readonly #graph: Graph;
  readonly #roots = new Set<string>();
  readonly #nodes = new Map<string, Node>();
  readonly #holders = new Map<string, Holder[]>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** `roots` may yield `undefined` to take a breath. */
  *read(roots: Iterable<Node | undefined>): Generator<undefined, void> {
    const open: Node[] = [];
    for (const root of roots) {
      yield;
      if (root === undefined) continue;
      this.#roots.add(idOf(root));
      if (this.#enter(root)) open.push(root);
    }
    // In order of distance from the roots, so that of two chains of the same length the one of the earlier root comes first.
    for (let at = 0; at < open.length; at++) {
      const node = open[at] as Node;
      for (const { by, ...target } of this.#graph.references(node)) {
        const holder = { node, by };
        const id = idOf(target);
        const holders = this.#holders.get(id);
        if (holders === undefined) this.#holders.set(id, [holder]);
        else holders.push(holder);
        if (this.#enter(target)) open.push(target);
      }
      yield;
    }
  }

  /** Up to `limit` chains that end with the object, kept flat or not, the shortest first; no chain meets an object twice. */
  *chains(
    target: Node,
    limit: number,
  ): Generator<undefined, { readonly chains: ChainLink[][]; readonly more: boolean }> {
    const chains: ChainLink[][] = [];
    interface End {
      readonly node: Node;
      readonly by: string;
      readonly next: End | undefined;
    }
    const ends = [false, true].map((flat) => this.#nodes.get(idOf({ ...target, flat }))).filter((node) => !!node);
    const queue: { readonly node: Node; readonly rest: End | undefined }[] = ends.map((node) => ({
      node,
      rest: undefined,
    }));
    for (let at = 0; at < queue.length; at++) {
      yield;
      const { node, rest } = queue[at] as (typeof queue)[number];
      if (this.#roots.has(idOf(node))) {
        if (chains.length === limit) return { chains, more: true };
        const chain: ChainLink[] = [{ node, by: '' }];
        for (let link = rest; link !== undefined; link = link.next) chain.push({ node: link.node, by: link.by });
        chains.push(chain);
      }
      if (at >= maxTries) return { chains, more: true };
      for (const holder of this.#holders.get(idOf(node)) ?? []) {
        if (queue.length > maxTries) break; // none further would be looked at
        if (met(holder.node, node, rest)) continue;
        queue.push({ node: holder.node, rest: { node, by: holder.by, next: rest } });
      }
    }
    return { chains, more: false };

    function met(holder: Node, node: Node, rest: End | undefined): boolean {
      const id = idOf(holder);
      if (idOf(node) === id) return true;
      for (let link = rest; link !== undefined; link = link.next) if (idOf(link.node) === id) return true;
      return false;
    }
  }

  #enter(node: Node): boolean {
    const id = idOf(node);
    if (this.#nodes.has(id)) return false;
    this.#nodes.set(id, node);
    return true;
  }
}
