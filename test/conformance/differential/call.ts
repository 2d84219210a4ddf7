import { create, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf';
import { type ClientReadableStream, Metadata, type ServiceError } from '@grpc/grpc-js';
import { phrases } from '#base/errors';
import { decoderOf, encoderOf } from '#rpc/codec';
import type { Transport } from '#rpc/transport';

/** A call that is made to both daemons. */
export interface Step {
  /** A sentence: what is asked. */
  readonly title: string;
  readonly method: DescMethod;
  /** Several for a stream of the client's. */
  readonly requests: readonly object[];
  readonly headers: Readonly<Record<string, string>>;
  /** Where ours means to answer otherwise than containerd 1.6.20: its code, and the reason. */
  readonly ours?: { readonly code: number; readonly because: string };
}

/** How a call ended: what was sent before, and the status. */
export interface Answer {
  readonly code: number;
  /** The phrase that the message ends with, by which clients know the class; empty where it ends with none. */
  readonly ending: string;
  readonly messages: readonly unknown[];
}

export interface StepOptions {
  /** null: no header. */
  readonly namespace?: string | null;
  readonly lease?: string;
  readonly ours?: Step['ours'];
}

export function step<M extends DescMethod>(
  title: string,
  method: M,
  request: MessageInitShape<M['input']> | readonly MessageInitShape<M['input']>[],
  { namespace = 'default', lease, ours }: StepOptions = {},
): Step {
  return {
    title: `${method.parent.name}.${method.name}: ${title}`,
    method,
    requests: (Array.isArray(request) ? request : [request]) as object[],
    headers: {
      ...(namespace !== null && { 'containerd-namespace': namespace }),
      ...(lease !== undefined && { 'containerd-lease': lease }),
    },
    ...(ours !== undefined && { ours }),
  };
}

/** Makes the call; what differs between any two runs (times, directories) is replaced by words. Never throws for what the daemon answers. */
export async function answerTo(
  transport: Transport,
  { method, requests, headers }: Step,
  directory: string,
): Promise<Answer> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const encode = encoderOf(method.input);
  const bytes = requests.map((request) => encode(create(method.input, request as Record<string, unknown>)));
  const path = `/${method.parent.typeName}/${method.name}`;
  const same = (buffer: Buffer): Buffer => buffer;
  const decode = decoderOf(method.output);
  const options = { deadline: Date.now() + 60_000 };
  const clean = (value: unknown) => withoutChance(value, directory);
  const messages: unknown[] = [];
  const first = bytes[0] ?? Buffer.alloc(0);
  const error = await new Promise<ServiceError | null>((resolve) => {
    if (method.methodKind === 'unary') {
      transport.grpc.makeUnaryRequest(path, same, decode, first, metadata, options, (failed, response) => {
        if (response !== undefined) messages.push(clean(response));
        resolve(failed);
      });
      return;
    }
    let stream: ClientReadableStream<object>;
    if (method.methodKind === 'bidi_streaming') {
      const call = transport.grpc.makeBidiStreamRequest(path, same, decode, metadata, options);
      const rest = [...bytes];
      const next = () => {
        const message = rest.shift();
        if (message === undefined) call.end();
        else call.write(message);
      };
      call.on('data', next); // in lock-step, as clients do
      next();
      stream = call;
    } else stream = transport.grpc.makeServerStreamRequest(path, same, decode, first, metadata, options);
    stream.on('data', (message: object) => messages.push(clean(message)));
    stream.on('error', (failed: ServiceError) => resolve(failed));
    stream.on('end', () => resolve(null));
  });
  // containerd repeats the last answer to a write; clients read it once.
  if (method.methodKind === 'bidi_streaming' && Bun.deepEquals(messages.at(-1), messages.at(-2))) messages.pop();
  return { code: error?.code ?? 0, ending: endings.find((phrase) => error?.details.endsWith(phrase)) ?? '', messages };
}

const endings = Object.values(phrases).map((phrase) => `: ${phrase}`);

/** Go's zero time is none. */
const timeInWords = (seconds: number): string | undefined => {
  if (seconds === -62_135_596_800) return undefined;
  return seconds > 1_700_000_000 ? '<now>' : String(seconds);
};

/** Ingests come in the order of their directories, which is nobody's promise. */
function inOrder(name: string, value: unknown): unknown {
  if (name !== 'statuses' || !Array.isArray(value)) return value;
  return value.toSorted((a: { ref: string }, b: { ref: string }) => (a.ref < b.ref ? -1 : 1));
}

function withoutChance(value: unknown, directory: string): unknown {
  const clean = (inner: unknown) => withoutChance(inner, directory);
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string')
    return value
      .replaceAll(directory, '<dir>')
      .replace(/snapshots\/\d+/, 'snapshots/<n>')
      .replace(/fifo\/\d+/, 'fifo/<n>');
  if (value instanceof Uint8Array) return value.length > 100 ? `${value.length} bytes` : Buffer.from(value).toString();
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  const { $typeName, $unknown, ...fields } = value as Record<string, unknown>;
  if ($typeName === 'google.protobuf.Timestamp') return timeInWords(Number(fields.seconds));
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name, inner]) => inner !== undefined && name !== 'updatedAt')
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, name === 'pid' && Number(inner) > 0 ? '<pid>' : clean(inOrder(name, inner))])
      .filter(([, inner]) => inner !== undefined),
  );
}
