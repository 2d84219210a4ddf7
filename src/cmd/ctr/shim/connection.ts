import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { invalidArgument, isFault, unavailable } from '#base/errors';
import { connectTtrpc, type TtrpcClient } from '#lib/ttrpc/client';
import { text, type Values } from '../../cli/flags.ts';
import type { CtrInvocation } from '../globals.ts';

/** What stands between `shim` and the command. */
export const shimFlags = {
  id: text('shim ID: the container, or the first of those that share it'),
  'shim-address': text('shim address', { shown: 'computed from shim ID' }),
};

/** The task service of a shim, asked without its daemon. */
export interface ShimConnection extends AsyncDisposable {
  readonly id: string;
  /** One call; a shim that does not speak version 3 is asked in version 2, unless a version was chosen. @throws what the shim answers */
  call<Q extends DescMessage, A extends DescMessage>(
    method: string,
    request: readonly [Q, MessageInitShape<Q>],
    answer: A,
  ): Promise<MessageShape<A>>;
}

const socketDirectory = '/run/containerd/s';

/** Where a shim listens, by the daemon that started it, the namespace and the id; every shim that speaks for containerd keeps to it. */
export function shimSocket(address: string, namespace: string, id: string, ...more: readonly string[]): string {
  const name = [address.replace(/^unix:\/\//, ''), namespace, id, ...more].join('/');
  return `${socketDirectory}/${createHash('sha256').update(name).digest('hex')}`;
}

/** Reads the flags that stand before the command. @throws invalid_argument without an id */
export function chosenShim({ globals }: Pick<CtrInvocation, 'globals'>) {
  const { id = '', 'shim-address': given = '' } = globals as Partial<Values<typeof shimFlags>>;
  if (id === '') throw invalidArgument('container id must be specified');
  return { id, given, address: globals.address, namespace: globals.namespace };
}

/** @throws invalid_argument without an id; unavailable when no shim of that id answers */
export async function openShim(
  invocation: Pick<CtrInvocation, 'globals' | 'io'>,
  version?: number,
): Promise<ShimConnection> {
  if (version !== undefined && version !== 2 && version !== 3)
    throw invalidArgument(`api-version ${version}: wanted 2 or 3`);
  const { id, given, address, namespace } = chosenShim(invocation);
  const client = await connect(given === '' ? shimSocket(address, namespace, id) : given, id, invocation.io.signal);
  const metadata = { 'containerd-namespace-ttrpc': namespace };
  const send = (service: number, method: string, payload: Uint8Array) =>
    client.call(`containerd.task.v${service}.Task`, method, payload, { metadata, signal: invocation.io.signal });
  return {
    id,
    call: async (method, [schema, init], answer) => {
      const payload = toBinary(schema, create(schema, init));
      try {
        return fromBinary(answer, await send(version ?? 3, method, payload));
      } catch (thrown) {
        if (version !== undefined || !isFault(thrown, 'not_implemented')) throw thrown;
        return fromBinary(answer, await send(2, method, payload)); // the messages are the same
      }
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

async function connect(address: string, id: string, signal: AbortSignal): Promise<TtrpcClient> {
  try {
    await access(address.replace(/^unix:\/\//, ''));
    return await connectTtrpc(address, { signal });
  } catch (thrown) {
    throw unavailable(`fail to connect to container ${id}'s shim at ${address}`, thrown);
  }
}
