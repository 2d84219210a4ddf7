import type { IncomingHttpHeaders } from 'node:http';

/** Hears what goes over the wire, for people who look for a mistake. What proves who asks is left out. */
export interface HttpWatch {
  /** Requests and answers: their headers, and bodies that are text. */
  readonly dump: boolean;
  /** What becomes of connections, and when. */
  readonly trace: boolean;
  /** Text with a newline at its end. Must return at once. */
  say(text: string): void;
}

const secret = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);
/** More of a body helps nobody. */
const maxBody = 64 * 1024;
const textual = /^(text\/|application\/([\w.+-]+\+)?json\b|application\/x-www-form-urlencoded\b)/;

/** One exchange as a watch hears of it. */
export class WatchedExchange {
  readonly #watch: HttpWatch;
  readonly #subject: string;
  readonly #started = performance.now();
  #answer = '';
  #body: Buffer[] = [];
  #bytes = 0;
  #isText = false;
  #over = false;

  constructor(watch: HttpWatch, method: string, url: URL) {
    this.#watch = watch;
    this.#subject = `${method} ${url.origin}${url.pathname}`;
  }

  /** What is asked; not the whole URL, whose query may hold a signature. */
  request(method: string, url: URL, headers: Readonly<Record<string, unknown>>, body: unknown): void {
    if (!this.#watch.dump) return;
    const lines = [`${method} ${url.pathname}${url.search === '' ? '' : '?…'} HTTP/1.1`, `host: ${url.host}`];
    const length = body instanceof Uint8Array ? body.length : undefined;
    const type = String(headers['content-type'] ?? '');
    const text = body instanceof Uint8Array && textual.test(type) && !/token|oauth/.test(url.pathname);
    lines.push(...headerLines(headers), '');
    if (text) lines.push(Buffer.from(body).subarray(0, maxBody).toString('utf8'), '');
    else if (length !== undefined && length > 0) lines.push(`(${length} bytes)`, '');
    this.#watch.say(`${lines.join('\n')}\n`);
  }

  trace(what: string): void {
    if (this.#watch.trace)
      this.#watch.say(`${this.#subject}: ${what} (${(performance.now() - this.#started).toFixed(1)} ms)\n`);
  }

  response(status: number, statusText: string, headers: IncomingHttpHeaders): void {
    this.trace(`answered ${status}`);
    if (!this.#watch.dump) return;
    this.#answer = [`HTTP/1.1 ${status} ${statusText}`, ...headerLines(headers), ''].join('\n');
    // A token is as good as a password.
    this.#isText = textual.test(headers['content-type'] ?? '') && !/\/(token|oauth)/.test(this.#subject);
  }

  data(bytes: Uint8Array): void {
    if (this.#watch.dump && this.#isText && this.#bytes < maxBody) this.#body.push(Buffer.from(bytes));
    this.#bytes += bytes.length;
  }

  /** The answer is over, as far as it was read. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.trace(`${this.#bytes} bytes read`);
    if (this.#answer === '') return;
    const body = this.#isText ? Buffer.concat(this.#body).subarray(0, maxBody).toString('utf8') : '';
    const rest = this.#isText ? '' : this.#bytes > 0 ? `(${this.#bytes} bytes)\n` : '';
    this.#watch.say(`${this.#answer}\n${body === '' ? rest : `${body}\n`}\n`);
    this.#answer = '';
  }
}

function headerLines(headers: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(
      (one) => `${name}: ${secret.has(name.toLowerCase()) ? '…' : shown(name.toLowerCase(), String(one))}`,
    ),
  );
}

/** The query of where it goes on may be all that is needed to get there. */
const shown = (name: string, text: string): string => (name === 'location' ? text.replace(/\?.*$/s, '?…') : text);
