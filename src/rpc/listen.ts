import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { experimental, ServerCredentials, ServerInterceptingCall, status } from '@grpc/grpc-js';
import { fault, invalidArgument, unavailable } from '#base/errors';
import { parseAddress } from './address.ts';
import type { GrpcServer } from './grpc-server.ts';

/** PEM texts. */
export interface ServerTls {
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** When given, clients must show a certificate that it has signed. */
  readonly clientCa?: Buffer;
  /** When given, every call of a client whose certificate has another common name is refused. */
  readonly clientName?: string;
}

/**
 * Starts to serve at `unix:///path`, `/path` or `tcp://host:port` (port 0: any), and answers with the address as bound.
 * A socket that a dead server left behind is replaced. Its mode and owner are what the umask makes them; whoever wants others changes them.
 *
 * @throws already_exists when somebody serves there; invalid_argument for TCP without TLS
 */
export async function listen(server: GrpcServer, address: string, tls?: ServerTls): Promise<string> {
  const parsed = parseAddress(address);
  if (parsed.kind === 'unix') {
    await removeStale(parsed.path);
    await bind(server, `unix:${parsed.path}`, ServerCredentials.createInsecure());
    return `unix://${parsed.path}`;
  }
  if (tls === undefined) throw invalidArgument(`listen on ${address}: TCP without TLS`);
  const pair = { cert_chain: tls.certificate, private_key: tls.key };
  const plain = ServerCredentials.createSsl(tls.clientCa ?? null, [pair], tls.clientCa !== undefined);
  const credentials = tls.clientName === undefined ? plain : onlyClientsNamed(tls.clientName, plain);
  const port = await bind(server, `${parsed.host}:${parsed.port}`, credentials);
  return `tcp://${parsed.host}:${port}`;
}

function onlyClientsNamed(name: string, credentials: ServerCredentials): ServerCredentials {
  return experimental.createServerCredentialsWithInterceptors(credentials, [
    (_, call) =>
      new ServerInterceptingCall(call, {
        start: (next) => {
          const shown = call.getAuthContext().sslPeerCertificate?.subject?.CN;
          if (shown === name) return next();
          call.sendStatus({
            code: status.UNAUTHENTICATED,
            details: `client certificate of ${JSON.stringify(shown)}: unauthorized`,
          });
        },
      }),
  ]);
}

function bind(server: GrpcServer, target: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.grpc.bindAsync(target, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(unavailable(`listen on ${target}: ${error.message}`, error));
    });
  });
}

/**
 * Makes room for a socket: removes one that a dead server left behind.
 *
 * @throws already_exists when somebody answers there, or when there is something that is no socket
 */
export async function removeStale(path: string): Promise<void> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.on('error', resolve);
  });
  if (error?.code === 'ENOENT') return;
  // Reset at once, or a full queue: somebody is there.
  if (error?.code !== 'ECONNREFUSED') throw fault('already_exists', `listen on ${path}: another server answers there`);
  if (!(await lstat(path)).isSocket()) throw fault('already_exists', `listen on ${path}: a file that is no socket`);
  await unlink(path);
}
