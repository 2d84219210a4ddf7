import { invalidArgument } from '#base/errors';

/** What docker's users type to leave a container: ctrl-p, ctrl-q. */
export const defaultDetachKeys = 'ctrl-p,ctrl-q';

const control: Readonly<Record<string, number>> = { '@': 0, '[': 27, '\\': 28, ']': 29, '^': 30, _: 31 };

/** Reads docker's form: single characters and `ctrl-` with a letter or one of `@[\]^_`, with commas between. Empty: no keys. @throws invalid_argument */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === '') return new Uint8Array();
  return Uint8Array.from(text.split(','), (key) => {
    const code = codeOf(key);
    if (code === undefined) throw invalidArgument(`Invalid detach keys (${text}) provided`);
    return code;
  });
}

function codeOf(key: string): number | undefined {
  if (key.length === 1) return key.charCodeAt(0) < 128 ? key.charCodeAt(0) : undefined;
  const [, letter] = /^ctrl-(.)$/.exec(key.toLowerCase()) ?? [];
  if (letter === undefined) return undefined;
  return letter >= 'a' && letter <= 'z' ? letter.charCodeAt(0) - 96 : control[letter];
}

/**
 * Looks for the keys in what is typed. What could be their beginning is held back until it is known; the keys themselves are never
 * handed on.
 */
export class DetachScanner {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** What to hand on of this piece, and whether the keys were complete within it: what follows them is dropped. */
  push(chunk: Uint8Array): { readonly bytes: Uint8Array; readonly detached: boolean } {
    const keys = this.#keys;
    if (keys.length === 0) return { bytes: chunk, detached: false };
    const passed: number[] = [];
    for (const byte of chunk) {
      if (byte !== keys[this.#matched]) {
        passed.push(...keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== keys[this.#matched]) passed.push(byte);
      else if (++this.#matched === keys.length) return { bytes: Uint8Array.from(passed), detached: true };
    }
    return { bytes: Uint8Array.from(passed), detached: false };
  }

  /** What was held back, when there is no more. */
  rest(): Uint8Array {
    return this.#keys.subarray(0, this.#matched);
  }
}
