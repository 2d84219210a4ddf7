import type { Any } from '#base/any';

/** A stream of payloads in both directions, between a client that opened it and a call of the same client that refers to it by id. */
export interface MessageStream extends AsyncIterable<Any> {
  readonly id: string;
  /** Settles when there is room for more. Sends nothing once the stream is over. */
  send(message: Any): Promise<void>;
  /** Tells the other side that nothing more will come; what was sent before arrives. */
  end(): void;
}
