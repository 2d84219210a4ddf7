import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How much longer than a script the machine may take to say so. */
const patienceMs = 60_000;

/** The host's side of guest/agent.sh: scripts go in over one serial line, and what they say at once comes back over another. */
export class GuestChannel {
  readonly said: string[] = [];
  readonly ready: Promise<void>;
  readonly #agent: Socket;
  readonly #news: Socket;
  readonly #log: string;
  readonly #waiting = new Map<string, PromiseWithResolvers<Finished>>();
  #ids = 0;

  private constructor(agent: Socket, news: Socket, log: string) {
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.ready.catch(() => {}); // who waits for it hears of it
    this.#agent = agent;
    this.#news = news;
    this.#log = log;
    eachLine(agent, (line) => (line === 'ready' ? ready.resolve() : this.#answer(line)));
    eachLine(news, (line) => {
      this.said.push(line);
      this.#note(`said: ${line}`);
    });
  }

  /** Connects as soon as the sockets are there. @throws when they do not come while `alive` */
  static async open(agent: string, news: string, log: string, alive: () => boolean): Promise<GuestChannel> {
    const [first, second] = [await connected(agent, alive), await connected(news, alive)];
    return new GuestChannel(first, second, log);
  }

  async run(script: string, timeoutSeconds: number): Promise<Finished> {
    const id = `${++this.#ids}`;
    const answer = Promise.withResolvers<Finished>();
    this.#waiting.set(id, answer);
    this.#note(`${id}: ${script}`);
    this.#agent.write(`${id} ${timeoutSeconds} ${Buffer.from(script).toString('base64')}\n`);
    const late = setTimeout(
      () => answer.reject(new Error(`no answer from the machine: ${script}`)),
      timeoutSeconds * 1000 + patienceMs,
    );
    try {
      return await answer.promise;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(id);
    }
  }

  /** Scripts that still run get no answer. */
  close(): void {
    this.#agent.destroy();
    this.#news.destroy();
    for (const { reject } of this.#waiting.values()) reject(new Error('the machine was turned off'));
  }

  #answer(line: string): void {
    const [, id = '', code = '', stdout = '', stderr = ''] = line.split(' ');
    const text = (base64: string) => Buffer.from(base64, 'base64').toString();
    const finished = { code: Number(code), stdout: text(stdout), stderr: text(stderr) };
    this.#note(`${id} ended with ${code}\n${finished.stdout}${finished.stderr}`);
    this.#waiting.get(id)?.resolve(finished);
  }

  #note(text: string): void {
    appendFileSync(this.#log, `${new Date().toISOString()} ${text.trimEnd()}\n`);
  }
}

async function connected(path: string, alive: () => boolean): Promise<Socket> {
  while (alive()) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      socket.on('error', () => {}); // the machine was turned off
      return socket;
    } catch {
      await wait(50); // not there yet
    }
  }
  throw new Error('qemu ended at once');
}

function eachLine(socket: Socket, take: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line.trimEnd());
  });
}
