/** Text in double quotes as Go's `%q` writes it. */
export function goQuote(text: string): string {
  let out = '"';
  for (const character of text) out += quoted(character, '"');
  return `${out}"`;
}

/** A code point in single quotes as Go's `%q` writes it. */
export function goQuoteRune(code: number): string {
  const valid = code >= 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return `'${quoted(valid ? String.fromCodePoint(code) : '\ufffd', "'")}'`;
}

const short: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

function quoted(character: string, quote: string): string {
  if (character === quote || character === '\\') return `\\${character}`;
  const known = short[character];
  if (known !== undefined) return known;
  if (/[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(character) || character === ' ') return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

/** What a Go literal in double or back quotes stands for; undefined when it is none. */
export function goUnquote(literal: string): string | undefined {
  if (literal.startsWith('`')) return literal.slice(1, -1).replaceAll('\r', '');
  const bytes: number[] = [];
  const body = literal.slice(1, -1);
  for (let at = 0; at < body.length; ) {
    const unit = unitAt(body, at, literal.charAt(0));
    if (unit === undefined) return undefined;
    bytes.push(...unit.bytes);
    at = unit.next;
  }
  return Buffer.from(bytes).toString();
}

/** The code point of a character constant; undefined when it is none. */
export function goUnquoteRune(literal: string): number | undefined {
  const body = literal.slice(1, -1);
  const unit = body === '' ? undefined : unitAt(body, 0, "'");
  return unit === undefined || unit.next !== body.length ? undefined : unit.code;
}

interface Unit {
  readonly code: number;
  readonly bytes: readonly number[];
  readonly next: number;
}

const letters: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };

function unitAt(body: string, at: number, quote: string): Unit | undefined {
  if (body[at] !== '\\') {
    const code = body.codePointAt(at) ?? 0;
    const character = String.fromCodePoint(code);
    return { code, bytes: [...Buffer.from(character)], next: at + character.length };
  }
  const letter = body[at + 1] ?? '';
  const simple = letter === quote ? quote.charCodeAt(0) : letters[letter];
  if (simple !== undefined) return { code: simple, bytes: [simple], next: at + 2 };
  const byte = /^(?:\\x([0-9a-fA-F]{2})|\\([0-7]{3}))/.exec(body.slice(at, at + 4));
  if (byte !== null) {
    const code = byte[1] === undefined ? Number.parseInt(byte[2] ?? '', 8) : Number.parseInt(byte[1], 16);
    return code > 255 ? undefined : { code, bytes: [code], next: at + 4 };
  }
  const wide = /^(?:\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8}))/.exec(body.slice(at, at + 10));
  if (wide === null) return undefined;
  const code = Number.parseInt(wide[1] ?? wide[2] ?? '', 16);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return { code, bytes: [...Buffer.from(String.fromCodePoint(code))], next: at + wide[0].length };
}
