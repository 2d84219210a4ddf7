import type { Timestamp } from '#base/timestamp';
import type { Scope } from '#core/scope';
import type { Node } from './node.ts';

/** Tells why things are kept. */
export interface WhyKept {
  /**
   * The chains of references that lead to an object of the scope's namespace, by the collector's rules. Goes through what the namespace keeps, a
   * millisecond at a time while others go on: what changes meanwhile may or may not be seen. Costs some 10 µs for each object of the namespace; one
   * question is answered at a time.
   *
   * @throws invalid_argument for an unknown kind; whatever the scope's signal says
   */
  why(
    scope: Scope,
    object: Pick<Node, 'kind' | 'key'>,
    options?: { readonly maxChains?: number },
  ): Promise<Explanation>;
}

export interface Explanation {
  /** `unreferenced`: the next collection removes it, unless it is in use. */
  readonly state: 'absent' | 'unreferenced' | 'kept';
  /** Each from a root to the object, the shortest first. */
  readonly chains: readonly (readonly Link[])[];
  /** There are more than were asked for. */
  readonly more: boolean;
  /** Other namespaces that have the same blob, or the same snapshot in the backend. */
  readonly sharedWith: readonly string[];
  /** What goes on with it and keeps it without a reference, in words. */
  readonly inUse: readonly string[];
}

/** One object of a chain. */
export interface Link extends Pick<Node, 'kind' | 'key'> {
  /** What in the object before refers to this one; in the first link what makes it a root, where its kind does not say that. */
  readonly by: string;
  readonly flat: boolean;
  /** When the first link stops being a root. */
  readonly expiresAt?: Timestamp;
}

/** How many chains an explanation has where nobody says. */
export const usualChains = 10;

/** Whether it is the name of a kind, as `Node` has them. */
export const isNodeKind = (text: string): text is Node['kind'] =>
  /^(content|ingest|image|lease|container|sandbox|(snapshot|other)\/.+)$/.test(text);
