import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import { answerTo, DnsCode, type DnsQuery, formatAnswer, renumbered } from '#lib/dns/message';

const perServerMs = 2_000;
/** As long as resolvers wait before they ask again. */
const allMs = 5_000;
const mostAtOnce = 512;
const maxMessage = 65_535;

/** Asks the servers that know the rest of the world. */
export class Forwarder {
  #underway = 0;

  /** The first answer of a server that has one; says itself that there is none. Never throws. */
  async ask(message: Uint8Array, query: DnsQuery, servers: readonly string[]): Promise<Uint8Array> {
    if (this.#underway >= mostAtOnce || servers.length === 0) return formatAnswer(query, DnsCode.failure);
    this.#underway++;
    try {
      return await this.#askAll(message, query, servers);
    } finally {
      this.#underway--;
    }
  }

  async #askAll(message: Uint8Array, query: DnsQuery, servers: readonly string[]): Promise<Uint8Array> {
    const deadline = performance.now() + allMs;
    let last: Uint8Array | undefined;
    for (const server of servers) {
      const patienceMs = Math.min(perServerMs, deadline - performance.now());
      if (patienceMs <= 0) break;
      const answer = await askOne(message, query, server, patienceMs).catch(() => undefined);
      if (answer === undefined) continue;
      if (answer.code !== DnsCode.failure && answer.code !== DnsCode.refused) return renumbered(answer.bytes, query.id);
      last = renumbered(answer.bytes, query.id); // another may know
    }
    return last ?? formatAnswer(query, DnsCode.failure);
  }
}

interface Answer {
  readonly bytes: Uint8Array;
  readonly code: number;
}

async function askOne(message: Uint8Array, query: DnsQuery, server: string, patienceMs: number): Promise<Answer> {
  const id = randomInt(0x10000);
  const asked = renumbered(message, id);
  const first = await byDatagram(asked, query, id, { server, patienceMs });
  if (!first.truncated) return first;
  return await byStream(asked, query, id, { server, patienceMs });
}

interface Whom {
  readonly server: string;
  readonly patienceMs: number;
}

function byDatagram(
  asked: Uint8Array,
  query: DnsQuery,
  id: number,
  { server, patienceMs }: Whom,
): Promise<Answer & { readonly truncated: boolean }> {
  const socket = createSocket(isIP(server) === 6 ? 'udp6' : 'udp4');
  const timer = AbortSignal.timeout(patienceMs);
  return new Promise<Answer & { readonly truncated: boolean }>((resolve, reject) => {
    timer.addEventListener('abort', () => reject(timer.reason));
    socket.on('error', reject);
    socket.on('message', (bytes, { address, port }) => {
      const answer = address === server && port === 53 ? answerTo(bytes, query, id) : undefined;
      if (answer !== undefined) resolve({ bytes, ...answer }); // others may send what they like
    });
    socket.send(asked, 53, server, (error) => {
      if (error !== null) reject(error);
    });
  }).finally(() => socket.close());
}

function byStream(asked: Uint8Array, query: DnsQuery, id: number, { server, patienceMs }: Whom): Promise<Answer> {
  const socket = connect({ host: server, port: 53 });
  const timer = AbortSignal.timeout(patienceMs);
  return new Promise<Answer>((resolve, reject) => {
    const received = new Frames();
    timer.addEventListener('abort', () => reject(timer.reason));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed without an answer')));
    socket.on('data', (bytes: Buffer) => {
      for (const one of received.add(bytes)) {
        const answer = answerTo(one, query, id);
        if (answer === undefined) reject(new Error('an answer to something else'));
        else resolve({ bytes: one, ...answer });
      }
    });
    socket.write(framed(asked));
  }).finally(() => socket.destroy());
}

/** A message as it goes over a stream: its length before it. */
export const framed = (message: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]);

/** Messages out of the pieces of a stream. Keeps no more than one of the longest that there can be, and a piece. */
export class Frames {
  #kept = Buffer.alloc(0);

  add(piece: Uint8Array): readonly Uint8Array[] {
    this.#kept = Buffer.concat([this.#kept, piece]);
    const found: Uint8Array[] = [];
    for (;;) {
      const length = this.#kept.length < 2 ? maxMessage : this.#kept.readUInt16BE(0);
      if (this.#kept.length < 2 + length) return found;
      found.push(Uint8Array.from(this.#kept.subarray(2, 2 + length)));
      this.#kept = this.#kept.subarray(2 + length);
    }
  }
}
