/** One way in which a server asks to be convinced: the scheme in lower case, parameter names too. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const maxHeaderLength = 16 * 1024;

/**
 * Reads `WWW-Authenticate` headers. Several challenges may share one header, quoted values may hold commas and escapes,
 * and what is malformed ends its challenge without spoiling those before it. Never throws; linear in the header's length.
 */
export function parseChallenges(headers: string | readonly string[] | undefined): readonly Challenge[] {
  const lines = headers === undefined ? [] : typeof headers === 'string' ? [headers] : headers;
  return lines.flatMap((line) => new Scanner(line.slice(0, maxHeaderLength)).challenges());
}

const tokenPattern = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const token68Pattern = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  challenges(): readonly Challenge[] {
    const found: Challenge[] = [];
    for (;;) {
      this.#skip(/[ \t,]*/y);
      const scheme = this.#take(tokenPattern);
      if (scheme === undefined) return found;
      found.push({ scheme: scheme.toLowerCase(), parameters: this.#parameters() });
    }
  }

  #parameters(): Readonly<Record<string, string>> {
    const parameters: Record<string, string> = Object.create(null);
    this.#skip(/[ \t]*/y);
    if (this.#take(token68Pattern) !== undefined) return parameters;
    for (;;) {
      const start = this.#at;
      this.#skip(/[ \t,]*/y);
      const name = this.#take(tokenPattern);
      this.#skip(/[ \t]*/y);
      if (name === undefined || this.#text[this.#at] !== '=') {
        this.#at = start; // no parameter: the next challenge begins here
        return parameters;
      }
      this.#at++;
      this.#skip(/[ \t]*/y);
      const value = this.#text[this.#at] === '"' ? this.#quoted() : (this.#take(/[^ \t,"]+/y) ?? '');
      parameters[name.toLowerCase()] ??= value;
    }
  }

  #quoted(): string {
    let value = '';
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const rune = this.#text[this.#at];
      if (rune === '"') {
        this.#at++;
        return value;
      }
      if (rune === '\\') this.#at++;
      value += this.#text[this.#at] ?? '';
    }
    return value; // the closing quote is missing: what is there may still do
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    if (match !== undefined) this.#at += match.length;
    return match;
  }

  #skip(pattern: RegExp): void {
    this.#take(pattern);
  }
}
