import { fromMillis, type Timestamp } from './timestamp.ts';

/** Things in use that go away one day, each once, with the last time that it was seen. */
export class Deprecations {
  readonly #seen = new Map<string, { readonly message: string; readonly lastSeen: Timestamp }>();

  /** Notes that something old is used. `id` as containerd writes them (`io.containerd.deprecation/…`), which clients match. */
  note(id: string, message: string): void {
    this.#seen.set(id, { message, lastSeen: fromMillis(Date.now()) });
  }

  list(): readonly { readonly id: string; readonly message: string; readonly lastSeen: Timestamp }[] {
    return [...this.#seen].map(([id, seen]) => ({ id, ...seen })).sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}
