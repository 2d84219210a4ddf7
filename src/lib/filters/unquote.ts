/**
 * The value of a quoted literal whose escapes the scanner found well-formed. Octal and `\x` escapes are bytes, `\u` and `\U` characters;
 * bytes that are not UTF-8 become U+FFFD. Undefined when an escape names a byte or character that does not exist.
 */
export function unquote(literal: string): string | undefined {
  const body = literal.slice(1, -1);
  if (!body.includes('\\')) return body;
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = body.indexOf('\\'); at >= 0; at = body.indexOf('\\', from)) {
    parts.push(encoder.encode(body.slice(from, at)));
    const read = readEscape(body, at + 1);
    if (read === undefined) return undefined;
    parts.push(read.bytes);
    from = read.end;
  }
  parts.push(encoder.encode(body.slice(from)));
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
}

const encoder = new TextEncoder();
const named = new Map([
  ['a', 7],
  ['b', 8],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['v', 11],
]);
const hexLengths = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

/** `at` is the character after the backslash. */
function readEscape(body: string, at: number): { readonly bytes: Uint8Array; readonly end: number } | undefined {
  const letter = body.charAt(at);
  const control = named.get(letter);
  if (control !== undefined) return { bytes: Uint8Array.of(control), end: at + 1 };
  const hexLength = hexLengths.get(letter);
  if (hexLength !== undefined) {
    const end = at + 1 + hexLength;
    const code = Number.parseInt(body.slice(at + 1, end), 16);
    if (letter === 'x') return { bytes: Uint8Array.of(code), end };
    return code > 0x10ffff ? undefined : { bytes: encoder.encode(String.fromCodePoint(code)), end };
  }
  if (letter >= '0' && letter <= '7') {
    const code = Number.parseInt(body.slice(at, at + 3), 8);
    return code > 0xff ? undefined : { bytes: Uint8Array.of(code), end: at + 3 };
  }
  return { bytes: encoder.encode(letter), end: at + 1 };
}
