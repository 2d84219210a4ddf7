import type { Socket } from 'node:net';
import { fault } from '#base/errors';

export type NbdRequest =
  | { readonly kind: 'read'; readonly offset: number; readonly length: number }
  | { readonly kind: 'write'; readonly offset: number; readonly data: Buffer; readonly forceUnitAccess: boolean }
  | { readonly kind: 'zero'; readonly offset: number; readonly length: number; readonly forceUnitAccess: boolean }
  | { readonly kind: 'flush' };

const optionMagic = Buffer.from('IHAVEOPT');
const replyMagic = 0x3e889045565a9n;
const requestMagic = 0x25609513;
const simpleReplyMagic = 0x67446698;
const Option = { ExportName: 1, Abort: 2, Info: 6, Go: 7 } as const;
const Reply = { Ack: 1, Info: 3, Unsupported: 0x80000001 } as const;
const Command = { Read: 0, Write: 1, Disconnect: 2, Flush: 3, WriteZeroes: 6 } as const;
/** Flags are there; flush, forced unit access and zeroes may be sent. */
const exportFlags = 0b0100_1101;
const forceUnitAccessFlag = 1;
const requestLength = 28;

/** One client of a network block device: the new handshake without TLS and structured replies, then requests in order. */
export class NbdConnection {
  readonly #socket: Socket;
  readonly #sizeBytes: number;
  readonly #perform: (request: NbdRequest) => Buffer | undefined;
  #buffered: Buffer = Buffer.alloc(0);
  #step: () => boolean = () => this.#clientFlags();

  /** `perform` answers a read with its bytes. */
  constructor(socket: Socket, sizeBytes: number, perform: (request: NbdRequest) => Buffer | undefined) {
    this.#socket = socket;
    this.#sizeBytes = sizeBytes;
    this.#perform = perform;
    socket.write(Buffer.concat([Buffer.from('NBDMAGIC'), optionMagic, Buffer.from([0, 0b11])]));
  }

  received(bytes: Buffer): void {
    this.#buffered = this.#buffered.length === 0 ? bytes : Buffer.concat([this.#buffered, bytes]);
    while (!this.#socket.destroyed && this.#step());
  }

  #take(length: number): Buffer | undefined {
    if (this.#buffered.length < length) return undefined;
    const taken = this.#buffered.subarray(0, length);
    this.#buffered = this.#buffered.subarray(length);
    return taken;
  }

  #clientFlags(): boolean {
    if (this.#take(4) === undefined) return false;
    this.#step = () => this.#option();
    return true;
  }

  #option(): boolean {
    if (this.#buffered.length < 16) return false;
    const length = this.#buffered.readUInt32BE(12);
    const header = this.#take(16 + length);
    if (header === undefined) return false;
    if (!header.subarray(0, 8).equals(optionMagic)) throw fault('invalid_argument', 'nbd option');
    const option = header.readUInt32BE(8);
    if (option === Option.Abort) {
      this.#reply(option, Reply.Ack);
      this.#socket.end();
    } else if (option === Option.ExportName) {
      const answer = Buffer.alloc(10);
      this.#describe(answer, 0);
      this.#socket.write(answer);
      this.#step = () => this.#request();
    } else if (option === Option.Go || option === Option.Info) {
      const info = Buffer.alloc(12);
      this.#describe(info, 2);
      this.#reply(option, Reply.Info, info);
      this.#reply(option, Reply.Ack);
      if (option === Option.Go) this.#step = () => this.#request();
    } else {
      this.#reply(option, Reply.Unsupported);
    }
    return true;
  }

  #describe(into: Buffer, at: number): void {
    into.writeBigUInt64BE(BigInt(this.#sizeBytes), at);
    into.writeUInt16BE(exportFlags, at + 8);
  }

  #reply(option: number, type: number, data: Buffer = Buffer.alloc(0)): void {
    const header = Buffer.alloc(20);
    header.writeBigUInt64BE(replyMagic, 0);
    header.writeUInt32BE(option, 8);
    header.writeUInt32BE(type, 12);
    header.writeUInt32BE(data.length, 16);
    this.#socket.write(Buffer.concat([header, data]));
  }

  #request(): boolean {
    if (this.#buffered.length < requestLength) return false;
    const header = this.#buffered.subarray(0, requestLength);
    if (header.readUInt32BE(0) !== requestMagic) throw fault('invalid_argument', 'nbd request');
    const command = header.readUInt16BE(6);
    const length = header.readUInt32BE(24);
    const whole = this.#take(requestLength + (command === Command.Write ? length : 0));
    if (whole === undefined) return false;
    if (command === Command.Disconnect) {
      this.#socket.end();
      return false;
    }
    const answer = this.#perform(requestOf(command, whole, length));
    const reply = Buffer.alloc(16);
    reply.writeUInt32BE(simpleReplyMagic, 0);
    whole.copy(reply, 8, 8, 16);
    this.#socket.write(answer === undefined ? reply : Buffer.concat([reply, answer]));
    return true;
  }
}

function requestOf(command: number, bytes: Buffer, length: number): NbdRequest {
  const offset = Number(bytes.readBigUInt64BE(16));
  const forceUnitAccess = (bytes.readUInt16BE(4) & forceUnitAccessFlag) !== 0;
  if (command === Command.Read) return { kind: 'read', offset, length };
  if (command === Command.Write) return { kind: 'write', offset, data: bytes.subarray(requestLength), forceUnitAccess };
  if (command === Command.WriteZeroes) return { kind: 'zero', offset, length, forceUnitAccess };
  if (command === Command.Flush) return { kind: 'flush' };
  throw fault('not_implemented', `nbd command ${command}`);
}
