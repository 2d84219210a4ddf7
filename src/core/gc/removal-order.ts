import { type Graph, idOf } from './marker.ts';
import type { Node } from './node.ts';

/**
 * Garbage in an order in which it can be removed bit by bit: nothing before all garbage that refers to it. So that whoever takes up a piece that is still
 * there (tags a manifest, prepares on a snapshot) finds all that it needs. Cycles are cut somewhere.
 *
 * `left` has the garbage by `idOf`, and is empty afterwards. A generator that yields after each object, so that the caller can divide the work; it
 * returns the order. Holds all of the garbage in memory.
 */
export function* removalOrder(left: Map<string, Node>, graph: Graph): Generator<undefined, Node[]> {
  const ended: Node[] = [];
  const path: { readonly node: Node; readonly rest: Iterator<Node> }[] = [];
  const enter = (node: Node): void => {
    left.delete(idOf(node));
    path.push({ node, rest: graph.references(node)[Symbol.iterator]() });
  };
  for (const start of left.values()) {
    enter(start);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { value, done } = top.rest.next();
      if (done === true) {
        ended.push(top.node);
        path.pop();
        yield;
        continue;
      }
      const next = left.get(idOf({ ...value, flat: false }));
      if (next !== undefined) enter(next);
    }
  }
  // In order of ending the deepest come first; backwards, those that refer come before what they refer to.
  return ended.reverse();
}
