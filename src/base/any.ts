/** A typed payload that Berth carries without looking inside; `value` is kept byte for byte. */
export interface Any {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}
