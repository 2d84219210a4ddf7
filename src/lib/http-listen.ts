import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import type { ListenOptions } from 'node:net';
import { wrap } from '#base/errors';

export interface HttpServer extends AsyncDisposable {
  /** Of a TCP server: the port that it got. */
  readonly port: number | undefined;
}

/** Serves HTTP/1 at a unix path or a TCP address. Disposing it ends all connections. @throws when it cannot be bound there */
export async function listenHttp(at: ListenOptions, answer: RequestListener): Promise<HttpServer> {
  const server: Server = createServer(answer);
  const bound = Promise.withResolvers<void>();
  server.once('error', bound.reject);
  server.listen(at, bound.resolve);
  await bound.promise.catch((thrown: unknown) => {
    throw wrap(thrown, `listen on ${at.path ?? `${at.host}:${at.port}`}`);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : undefined,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}
