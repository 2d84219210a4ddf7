/** Something that has begun and not ended: a call, a pull, a collection. */
export interface Operation {
  readonly kind: string;
  readonly subject: string;
  readonly startedAtMs: number;
}

/** The list of what goes on, for `SIGUSR1` and the debug socket. Costs a set insertion an operation. */
export class Operations {
  readonly #pending = new Set<Operation>();
  #begun = 0;

  /** How many there have been. */
  get begun(): number {
    return this.#begun;
  }

  /** `using _ = operations.begin('pull', reference)`: listed until disposed. */
  begin(kind: string, subject: string): Disposable {
    const operation = { kind, subject, startedAtMs: Date.now() };
    this.#pending.add(operation);
    this.#begun++;
    return { [Symbol.dispose]: () => void this.#pending.delete(operation) };
  }

  /** The oldest first. */
  list(): readonly Operation[] {
    return [...this.#pending];
  }
}
