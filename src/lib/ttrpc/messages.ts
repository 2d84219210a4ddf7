import type { Any } from '#base/any';
import { readFields, WireWriter } from './wire.ts';

export type Metadata = ReadonlyMap<string, readonly string[]>;

export interface Request {
  readonly service: string;
  readonly method: string;
  readonly payload: Uint8Array;
  /** 0 for no limit. */
  readonly timeoutNano: bigint;
  readonly metadata: Metadata;
}

export interface Status {
  readonly code: number;
  readonly message: string;
  readonly details: readonly Any[];
}

export interface Response {
  /** Undefined or code 0 for success. */
  readonly status?: Status | undefined;
  readonly payload: Uint8Array;
}

export function encodeRequest(request: Request): Uint8Array {
  const writer = new WireWriter()
    .text(1, request.service)
    .text(2, request.method)
    .bytes(3, request.payload)
    .varint(4, request.timeoutNano);
  for (const [key, values] of request.metadata) {
    for (const value of values) writer.message(5, new WireWriter().text(1, key).text(2, value).finish());
  }
  return writer.finish();
}

/** @throws invalid_argument when the bytes are no such message. */
export function decodeRequest(message: Uint8Array): Request {
  let [service, method, payload, timeoutNano] = ['', '', empty, 0n];
  const metadata = new Map<string, string[]>();
  for (const { number, bytes, varint } of readFields(message)) {
    if (number === 1 && bytes) service = textOf(bytes);
    else if (number === 2 && bytes) method = textOf(bytes);
    else if (number === 3 && bytes) payload = bytes;
    else if (number === 4 && varint !== undefined) timeoutNano = BigInt.asIntN(64, varint);
    else if (number === 5 && bytes) {
      const [key, value] = decodePair(bytes);
      const values = metadata.get(key);
      if (values === undefined) metadata.set(key, [value]);
      else values.push(value);
    }
  }
  return { service, method, payload, timeoutNano, metadata };
}

export function encodeResponse(response: Response): Uint8Array {
  const writer = new WireWriter();
  const { status } = response;
  if (status !== undefined) {
    const inner = new WireWriter().varint(1, BigInt(status.code)).text(2, status.message);
    for (const { typeUrl, value } of status.details) {
      inner.message(3, new WireWriter().text(1, typeUrl).bytes(2, value).finish());
    }
    writer.message(1, inner.finish());
  }
  return writer.bytes(2, response.payload).finish();
}

/** @throws invalid_argument when the bytes are no such message. */
export function decodeResponse(message: Uint8Array): Response {
  let status: Status | undefined;
  let payload = empty;
  for (const { number, bytes } of readFields(message)) {
    if (number === 1 && bytes) status = decodeStatus(bytes);
    else if (number === 2 && bytes) payload = bytes;
  }
  return { status, payload };
}

const empty: Uint8Array = new Uint8Array();
const decoder = new TextDecoder();
const textOf = (bytes: Uint8Array) => decoder.decode(bytes);

function decodePair(message: Uint8Array): [key: string, value: string] {
  let [key, value] = ['', ''];
  for (const { number, bytes } of readFields(message)) {
    if (number === 1 && bytes) key = textOf(bytes);
    else if (number === 2 && bytes) value = textOf(bytes);
  }
  return [key, value];
}

function decodeStatus(message: Uint8Array): Status {
  let [code, text] = [0, ''];
  const details: Any[] = [];
  for (const { number, bytes, varint } of readFields(message)) {
    if (number === 1 && varint !== undefined) code = Number(BigInt.asIntN(32, varint));
    else if (number === 2 && bytes) text = textOf(bytes);
    else if (number === 3 && bytes) details.push(decodeAny(bytes));
  }
  return { code, message: text, details };
}

function decodeAny(message: Uint8Array): Any {
  let typeUrl = '';
  let value = empty;
  for (const { number, bytes } of readFields(message)) {
    if (number === 1 && bytes) typeUrl = textOf(bytes);
    else if (number === 2 && bytes) value = bytes;
  }
  return { typeUrl, value };
}
