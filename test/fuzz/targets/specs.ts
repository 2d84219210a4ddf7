import { goJson } from '#lib/go-json';
import { decodeSpec, encodeSpec } from '#lib/oci/spec/encode-spec';
import { accepted, type FuzzTarget, same, textOf } from '../target.ts';

/** The runtime's `config.json`, from clients: read or refused; written again it says the same, and is what Go would write. */
export const specs: FuzzTarget = {
  name: 'specs',
  words: [
    '"process":{}',
    '"root":{}',
    '"mounts":[]',
    '"linux":{}',
    '"args":[]',
    '"options":[]',
    '"ociVersion":"1.1.0"',
    '"__proto__":1',
    'null',
    '[',
    '{',
    '\\u2028',
    '<&>',
  ],
  run(bytes) {
    const spec = accepted(() => decodeSpec(bytes), 'invalid_argument');
    if (spec === undefined) return;
    const written = encodeSpec(spec);
    const again = accepted(() => decodeSpec(written), 'invalid_argument');
    // Half of a surrogate pair is replaced, and -0 is 0: Go has neither.
    const plain = (value: unknown) =>
      JSON.parse(
        JSON.stringify(value)
          .toWellFormed()
          .replace(/\\ud[89a-f]../gi, '\ufffd'),
      );
    same('written and read again', again, plain(spec));
    same('written twice', textOf(encodeSpec(again ?? spec)), textOf(written));
    same('as JSON', JSON.parse(goJson(spec)), plain(spec));
  },
};
