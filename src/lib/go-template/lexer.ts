import { goQuote } from './quote.ts';

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'identifier'
  | 'keyword'
  | 'field'
  | 'variable'
  | 'string'
  | 'raw'
  | 'char'
  | 'number'
  | 'bool'
  | 'punctuation'
  | 'error'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Offset in the template. */
  readonly at: number;
  readonly line: number;
}

const keywords: ReadonlySet<string> = new Set([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'nil',
  'template',
  'with',
]);

/** What may stand behind a word, a field, a number's digits: nothing else separates. */
const terminators = /^(?:[ \t\r\n.,|:()]|$)/;

/** Splits a template. What is wrong becomes a last token of kind `error`, so that what stands before it is complained about first. */
export function tokensOf(source: string): readonly Token[] {
  const lexer = new Lexer(source);
  lexer.run();
  return lexer.tokens;
}

/** How an error names a token. */
export function describeToken({ kind, text }: Token): string {
  if (kind === 'end') return 'EOF';
  if (kind === 'error') return text;
  if (kind === 'keyword' || text === '.') return `<${text}>`;
  return [...text].length > 10 ? `${goQuote([...text].slice(0, 10).join(''))}...` : goQuote(text);
}

class Lexer {
  readonly tokens: Token[] = [];
  readonly #source: string;
  #at = 0;
  #line = 1;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  run(): void {
    let trimmed = false;
    while (true) {
      const open = this.#source.indexOf('{{', this.#at);
      const end = open < 0 ? this.#source.length : open;
      const trims = open >= 0 && /^\{\{-[ \t\r\n]/.test(this.#source.slice(open, open + 4));
      this.#text(end, { trimStart: trimmed, trimEnd: trims });
      if (open < 0) {
        this.#push('end', '');
        return;
      }
      const after = this.#action(trims);
      if (after === undefined) return;
      trimmed = after === 'trimmed';
    }
  }

  #text(end: number, { trimStart, trimEnd }: { readonly trimStart: boolean; readonly trimEnd: boolean }): void {
    const whole = this.#source.slice(this.#at, end);
    let text = trimStart ? whole.replace(/^[ \t\r\n]+/, '') : whole;
    this.#skip(whole.length - text.length);
    const kept = trimEnd ? text.replace(/[ \t\r\n]+$/, '') : text;
    if (kept !== '') this.#push('text', kept);
    this.#skip(text.length - kept.length);
    text = kept;
  }

  /** From `{{` to `}}`. Undefined after an error. */
  #action(trims: boolean): 'trimmed' | 'plain' | undefined {
    const afterOpen = trims ? 3 : 2;
    const comment = /^[ \t\r\n]?\/\*/.exec(this.#source.slice(this.#at + afterOpen, this.#at + afterOpen + 3));
    // A comment stands directly behind the braces, or behind the trim marker and its space.
    if (comment !== null && (trims || comment[0].length === 2)) return this.#comment(afterOpen + comment[0].length);
    this.#push('open', '{{');
    this.#skip(afterOpen - 2);
    this.#depth = 0;
    while (true) {
      const rest = this.#source.slice(this.#at, this.#at + 4);
      const close = /^[ \t\r\n]-\}\}/.test(rest) ? 4 : rest.startsWith('}}') ? 2 : 0;
      if (close > 0) {
        if (this.#depth > 0) return this.#fail('unclosed left paren');
        this.#skip(close - 2);
        this.#push('close', '}}');
        return close === 4 ? 'trimmed' : 'plain';
      }
      if (!this.#inside()) return undefined;
    }
  }

  #comment(skip: number): 'trimmed' | 'plain' | undefined {
    const end = this.#source.indexOf('*/', this.#at + skip);
    if (end < 0) return this.#fail('unclosed comment');
    const close = /^(?:\}\}|[ \t\r\n]-\}\})/.exec(this.#source.slice(end + 2, end + 6));
    if (close === null) return this.#fail('comment ends before closing delimiter');
    this.#skip(end + 2 + close[0].length - this.#at);
    return close[0].length > 2 ? 'trimmed' : 'plain';
  }

  /** One token inside an action; false after an error. */
  #inside(): boolean {
    const rest = this.#source.slice(this.#at);
    const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
    if (rest === '') return this.#fail('unclosed action') ?? false;
    if (/[ \t\r\n]/.test(character))
      return this.#push('space', /^[ \t\r\n](?:(?![ \t\r\n]-\}\})[ \t\r\n])*/.exec(rest)?.[0] ?? ' ') ?? true;
    if (rest.startsWith(':=')) return this.#push('punctuation', ':=') ?? true;
    if (character === ':') return this.#fail('expected :=') ?? false;
    if (character === '|' || character === '=' || character === ',')
      return this.#push('punctuation', character) ?? true;
    if (character === '(' || character === ')') return this.#paren(character);
    if (character === '"')
      return this.#quoted(rest, /^"(?:[^"\\\n]|\\[^\n])*"/, 'string', 'unterminated quoted string');
    if (character === '`') return this.#quoted(rest, /^`[^`]*`/, 'raw', 'unterminated raw quoted string');
    if (character === "'")
      return this.#quoted(rest, /^'(?:[^'\\\n]|\\[^\n])*'/, 'char', 'unterminated character constant');
    if (character === '$') return this.#word(rest, /^\$[\p{L}\p{Nd}_]*/u, 'variable');
    if (character === '.' && !/^\.[0-9]/.test(rest)) return this.#field(rest);
    if (/^[+\-.0-9]/.test(character)) return this.#number(rest);
    if (/[\p{L}\p{Nd}_]/u.test(character)) return this.#identifier(rest);
    // Left for the parser to refuse, which can say where.
    if (/^[!-~]$/.test(character)) return this.#push('punctuation', character) ?? true;
    return this.#fail(`unrecognized character in action: ${codePoint(character)}`) ?? false;
  }

  #paren(character: string): boolean {
    this.#depth += character === '(' ? 1 : -1;
    if (this.#depth < 0) return this.#fail('unexpected right paren') ?? false;
    return this.#push('punctuation', character) ?? true;
  }

  #quoted(rest: string, pattern: RegExp, kind: TokenKind, complaint: string): boolean {
    const found = pattern.exec(rest);
    if (found === null) return this.#fail(complaint) ?? false;
    return this.#push(kind, found[0]) ?? true;
  }

  #field(rest: string): boolean {
    const word = /^\.[\p{L}\p{Nd}_]*/u.exec(rest)?.[0] ?? '.';
    // The cursor alone is one, too: `.` and nothing of a name behind it.
    return this.#word(rest, /^\.[\p{L}\p{Nd}_]*/u, word === '.' ? 'identifier' : 'field');
  }

  #word(rest: string, pattern: RegExp, kind: TokenKind): boolean {
    const word = pattern.exec(rest)?.[0] ?? '';
    if (!this.#ends(rest, word.length)) return false;
    return this.#push(kind, word) ?? true;
  }

  #identifier(rest: string): boolean {
    const word = /^[\p{L}\p{Nd}_]+/u.exec(rest)?.[0] ?? '';
    if (!this.#ends(rest, word.length)) return false;
    const kind = keywords.has(word) ? 'keyword' : word === 'true' || word === 'false' ? 'bool' : 'identifier';
    return this.#push(kind, word) ?? true;
  }

  #number(rest: string): boolean {
    const word =
      /^[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[bB][01_]*|0[oO][0-7_]*|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)/.exec(
        rest,
      )?.[0] ?? '';
    const tail = /^[\p{L}\p{Nd}_]/u.exec(rest.slice(word.length))?.[0];
    if (tail !== undefined) return this.#fail(`bad number syntax: ${goQuote(word + tail)}`) ?? false;
    return this.#push('number', word) ?? true;
  }

  #ends(rest: string, length: number): boolean {
    const next = rest.slice(length);
    if (terminators.test(next) || next.startsWith('}}')) return true;
    const bad = String.fromCodePoint(next.codePointAt(0) ?? 0);
    this.#skip(length);
    this.#fail(`bad character ${codePoint(bad)}`);
    return false;
  }

  #push(kind: TokenKind, text: string): undefined {
    this.tokens.push({ kind, text, at: this.#at, line: this.#line });
    this.#skip(text.length);
  }

  #fail(message: string): undefined {
    this.tokens.push({ kind: 'error', text: message, at: this.#at, line: this.#line });
  }

  #skip(length: number): void {
    for (let at = this.#at; at < this.#at + length; at++) if (this.#source.charCodeAt(at) === 10) this.#line++;
    this.#at += length;
  }
}

const codePoint = (character: string): string => {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `U+${hex} '${character}'`;
};
