/** One piece of a filter's text. `at` is where it begins, in UTF-16 units of the input. */
export type Token =
  | { readonly kind: 'end'; readonly at: number }
  | {
      readonly kind: 'separator' | 'operator' | 'field' | 'value' | 'quoted' | 'other';
      readonly at: number;
      readonly text: string;
    }
  | { readonly kind: 'illegal'; readonly at: number; readonly reason: string };

const spaceRune = /^\p{White_Space}$/u;
const valueRune = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;
const fieldRune = /^[A-Za-z0-9_]$/;

/**
 * Cuts a filter into tokens. Spaces are skipped between tokens; `peek` looks at the very next character, spaces included,
 * because the grammar allows them in some places only. Each call takes time linear in what it reads.
 */
export class Scanner {
  readonly #input: string;
  #next = 0;
  #reason = '';
  #valueExpected = false;

  constructor(input: string) {
    this.#input = input;
  }

  /** Where the next token would begin. */
  get position(): number {
    return this.#next;
  }

  /** The next character without taking it; empty at the end. */
  peek(): string {
    const code = this.#input.codePointAt(this.#next);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  scan(): Token {
    while (spaceRune.test(this.peek())) this.#next += this.peek().length;
    const at = this.#next;
    const rune = this.#take();
    if (rune === undefined) return { kind: 'illegal', at, reason: this.#reason };
    if (rune === '') return { kind: 'end', at };
    if (isQuote(rune)) return this.#quoted(at, rune);
    if (rune === ',' || rune === '.') {
      this.#valueExpected = false;
      return this.#token('separator', at);
    }
    if (isOperator(rune)) {
      while (isOperator(this.peek())) this.#next += 1;
      this.#valueExpected = true;
      return this.#token('operator', at);
    }
    if (this.#valueExpected) {
      while (isValue(this.peek())) this.#next += this.peek().length;
      this.#valueExpected = false;
      return this.#token('value', at);
    }
    if (!fieldRune.test(rune)) return this.#token('other', at);
    while (fieldRune.test(this.peek())) this.#next += 1;
    return this.#token('field', at);
  }

  #token(kind: 'separator' | 'operator' | 'field' | 'value' | 'quoted' | 'other', at: number): Token {
    return { kind, at, text: this.#input.slice(at, this.#next) };
  }

  /** The character taken; empty at the end; undefined (with a reason) for one that no filter may hold. */
  #take(): string | undefined {
    const rune = this.peek();
    this.#next += rune.length;
    if (rune === '\0') return this.#illegal('unexpected null');
    if (rune === '\ufffd' || isLoneSurrogate(rune)) return this.#illegal('rune error');
    return rune;
  }

  /** The first reason is the one that is reported. */
  #illegal(reason: string): undefined {
    if (this.#reason === '') this.#reason = reason;
    return undefined;
  }

  #quoted(at: number, quote: string): Token {
    let legal = true;
    let rune = this.#take();
    while (rune !== quote) {
      if (rune === undefined || rune === '' || rune === '\n') {
        this.#illegal('quoted literal not terminated');
        return { kind: 'illegal', at, reason: this.#reason };
      }
      if (rune === '\\') {
        const read = this.#escape(quote);
        legal &&= read.legal;
        rune = read.next;
      } else rune = this.#take();
    }
    return legal ? this.#token('quoted', at) : { kind: 'illegal', at, reason: this.#reason };
  }

  #escape(quote: string): { readonly legal: boolean; readonly next: string | undefined } {
    const rune = this.#take();
    if (rune === quote || (rune !== undefined && rune !== '' && 'abfnrtv\\'.includes(rune))) {
      return { legal: true, next: this.#take() };
    }
    if (rune !== undefined && /^[0-7]$/.test(rune)) return this.#digits(rune, /^[0-7]$/, 3);
    if (rune === 'x') return this.#digits(this.#take(), hexDigit, 2);
    if (rune === 'u') return this.#digits(this.#take(), hexDigit, 4);
    if (rune === 'U') return this.#digits(this.#take(), hexDigit, 8);
    this.#illegal('illegal escape sequence');
    return { legal: false, next: rune };
  }

  #digits(
    first: string | undefined,
    digit: RegExp,
    count: number,
  ): { readonly legal: boolean; readonly next: string | undefined } {
    let rune = first;
    let left = count;
    while (left > 0 && rune !== undefined && digit.test(rune)) {
      rune = this.#take();
      left -= 1;
    }
    if (left > 0) this.#illegal('illegal numeric escape sequence');
    return { legal: left === 0, next: rune };
  }
}

const hexDigit = /^[0-9a-fA-F]$/;
const isQuote = (rune: string) => rune === '"' || rune === '/' || rune === '|';
const isOperator = (rune: string) => rune === '=' || rune === '!' || rune === '~';
const isValue = (rune: string) => rune !== ',' && !spaceRune.test(rune) && valueRune.test(rune);

function isLoneSurrogate(rune: string): boolean {
  const code = rune.charCodeAt(0);
  return rune.length === 1 && code >= 0xd800 && code <= 0xdfff;
}
