import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subject } from '#core/subject';
import { createGrpcServer, type GrpcServerOptions } from './grpc-server.ts';
import { listen } from './listen.ts';
import type { Service } from './service.ts';
import { openTransport, type Transport } from './transport.ts';

/** A server and a client of it, joined by a real socket in a directory of its own: for tests of services and clients. */
export interface InProcess extends AsyncDisposable {
  readonly transport: Transport;
  readonly address: string;
}

export async function inProcess(services: readonly Service[], options: GrpcServerOptions = {}): Promise<InProcess> {
  await using cleanup = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'berth-rpc-'));
  cleanup.defer(() => rm(dir, { recursive: true }));
  const server = cleanup.use(createGrpcServer(options));
  for (const service of services) server.mount(service);
  const address = await listen(server, join(dir, 'x.sock'));
  const transport = cleanup.use(openTransport(address));
  const held = cleanup.move();
  return { transport, address, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** A store as its own remote client sees it: the subject of a contract suite that is to hold over the wire too. */
export async function overTheWire<T>(service: Service, connect: (transport: Transport) => T): Promise<Subject<T>> {
  const held = await inProcess([service]);
  return { store: connect(held.transport), [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
}
