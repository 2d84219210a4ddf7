/** Who wants to know how much of a file has arrived. */
export interface ArrivalListener {
  arrived(size: number): void;
  complete(size: number): void;
}

/** How much of a growing file is there; told from outside, and passed on to whoever reads it. */
export class Arrival implements ArrivalListener {
  readonly #whole = Promise.withResolvers<number>();
  #size = 0;
  #complete = false;
  #listener: ArrivalListener | undefined;

  arrived(size: number): void {
    this.#size = Math.max(this.#size, size);
    this.#listener?.arrived(this.#size);
  }

  complete(size: number): void {
    this.#size = size;
    this.#complete = true;
    this.#listener?.complete(size);
    this.#whole.resolve(size);
  }

  /** Settles when the file is complete, with its size. */
  get whole(): Promise<number> {
    return this.#whole.promise;
  }

  /** Tells this one too, from now on and what is known already. */
  follow(listener: ArrivalListener): void {
    this.#listener = listener;
    if (this.#complete) listener.complete(this.#size);
    else listener.arrived(this.#size);
  }
}
