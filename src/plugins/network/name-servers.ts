import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIP, type Server, type Socket } from 'node:net';
import type { Log } from '#base/log';
import { DnsCode, type DnsQuery, fitDatagram, formatAnswer, formatMalformed, parseQuery } from '#lib/dns/message';
import { Forwarder, Frames, framed } from './forwarder.ts';
import type { Asked, NameBook } from './name-book.ts';
import { hostResolvConf } from './resolver-file.ts';

const port = 53;
const mostConnections = 64;
const idleMs = 10_000;
/** How long the machine's list of servers is believed. */
const listMs = 5_000;

export interface NameServersParts {
  readonly book: NameBook;
  readonly log: Log;
  /** False: nobody listens anywhere. */
  readonly enabled: boolean;
}

interface Listening {
  close(): Promise<void>;
  readonly users: Set<unknown>;
  readonly opened: Promise<boolean>;
}

/** Our servers for names: one at the address that this machine has in a network, for as long as somebody is in that network. */
export class NameServers implements AsyncDisposable {
  readonly #parts: NameServersParts;
  readonly #forwarder = new Forwarder();
  readonly #listening = new Map<string, Listening>();
  #hosts: { readonly servers: readonly string[]; readonly untilMs: number } = { servers: [], untilMs: 0 };

  constructor(parts: NameServersParts) {
    this.#parts = parts;
  }

  get addresses(): ReadonlySet<string> {
    return new Set(this.#listening.keys());
  }

  /** Listens there until the user lets go. False where it cannot be: then names are in the hosts files only. */
  async open(address: string, user: unknown): Promise<boolean> {
    if (!this.#parts.enabled) return false;
    let found = this.#listening.get(address);
    if (found === undefined) {
      found = this.#listen(address);
      this.#listening.set(address, found);
    }
    found.users.add(user);
    if (await found.opened) return true;
    this.close(address, user);
    return false;
  }

  close(address: string, user: unknown): void {
    const found = this.#listening.get(address);
    if (found === undefined || !found.users.delete(user) || found.users.size > 0) return;
    this.#listening.delete(address);
    found.close().catch((error: unknown) => this.#parts.log.warn('name server', { address, error }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#listening.values()];
    this.#listening.clear();
    await Promise.all(all.map((one) => one.close()));
  }

  /** The answer to a message. Undefined for what deserves none. Never throws. */
  async answer(
    message: Uint8Array,
    asked: Asked,
  ): Promise<{ readonly bytes: Uint8Array; readonly query?: DnsQuery } | undefined> {
    let query: DnsQuery;
    try {
      query = parseQuery(message);
    } catch {
      const bytes = formatMalformed(message);
      return bytes === undefined ? undefined : { bytes };
    }
    if (query.opcode !== 0) return { query, bytes: formatAnswer(query, DnsCode.notImplemented) };
    if (!this.#parts.book.mayAsk(asked)) return { query, bytes: formatAnswer(query, DnsCode.refused) };
    try {
      const own = this.#parts.book.answer(query, asked);
      if (own !== undefined) return { query, bytes: formatAnswer(query, own.code, own.records) };
      return { query, bytes: await this.#forwarder.ask(message, query, await this.#serversFor(asked)) };
    } catch (error) {
      this.#parts.log.warn('a name that cannot be answered for', { name: query.name, error });
      return { query, bytes: formatAnswer(query, DnsCode.failure) };
    }
  }

  /** Whom to ask for the rest. Never ourselves. */
  async #serversFor(asked: Asked): Promise<readonly string[]> {
    const told = this.#parts.book.serversOf(asked);
    const all = told.length > 0 ? told : await this.#hostServers();
    const own = this.addresses;
    return all.filter((one) => isIP(one) !== 0 && !own.has(one)).slice(0, 3);
  }

  async #hostServers(): Promise<readonly string[]> {
    if (performance.now() > this.#hosts.untilMs) {
      const { servers } = await hostResolvConf().catch(() => ({ servers: this.#hosts.servers }));
      this.#hosts = { servers, untilMs: performance.now() + listMs };
    }
    return this.#hosts.servers;
  }

  #listen(address: string): Listening {
    const stack = new AsyncDisposableStack();
    const opened = (async () => {
      try {
        await this.#datagrams(address, stack);
        await this.#streams(address, stack);
        return true;
      } catch (error) {
        this.#parts.log.warn('no name server in a network: names are in hosts files only', { address, error });
        await stack.disposeAsync();
        return false;
      }
    })();
    return {
      users: new Set(),
      opened,
      close: async () => {
        if (await opened) await stack.disposeAsync();
      },
    };
  }

  async #datagrams(server: string, stack: AsyncDisposableStack): Promise<void> {
    const socket = createSocket(isIP(server) === 6 ? 'udp6' : 'udp4');
    socket.on('message', (message, { address: asker, port: from }) => {
      void this.answer(message, { server, asker }).then((answer) => {
        if (answer === undefined || !this.#listening.has(server)) return;
        const { bytes, query } = answer;
        socket.send(query === undefined ? bytes : fitDatagram(bytes, query), from, asker, () => {}); // he asks again
      });
    });
    const listening = once(socket, 'listening');
    socket.bind({ port, address: server, exclusive: true });
    await listening;
    socket.on('error', (error) => this.#parts.log.warn('name server', { address: server, error }));
    stack.defer(() => new Promise<void>((resolve) => void socket.close(() => resolve())));
  }

  async #streams(server: string, stack: AsyncDisposableStack): Promise<void> {
    const open = new Set<Socket>();
    const listener: Server = createServer((socket) => {
      if (open.size >= mostConnections) return void socket.destroy();
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      this.#serve(socket, server);
    });
    const listening = once(listener, 'listening');
    listener.listen({ port, host: server, exclusive: true });
    await listening;
    stack.defer(async () => {
      const closed = new Promise<void>((resolve) => void listener.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    });
  }

  /** One question after the other: nothing more is read before all that was read has been answered, and the answers were taken. */
  #serve(socket: Socket, server: string): void {
    const frames = new Frames();
    const asked = { server, asker: (socket.remoteAddress ?? '').replace(/^::ffff:/, '') };
    let turn = Promise.resolve();
    let waiting = 0;
    const readOn = () => {
      if (waiting === 0 && socket.writableLength === 0) socket.resume();
    };
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      for (const message of frames.add(bytes)) {
        socket.pause();
        waiting++;
        turn = turn.then(async () => {
          const answer = socket.destroyed ? undefined : await this.answer(message, asked);
          waiting--;
          if (answer === undefined) socket.destroy();
          else if (!socket.destroyed) socket.write(framed(answer.bytes), readOn);
        });
      }
    });
  }
}
