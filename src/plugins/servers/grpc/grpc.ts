import { readFile } from 'node:fs/promises';
import { type ConfigOf, table } from '#base/config';
import { invalidArgument, wrap } from '#base/errors';
import { definePlugin } from '#core/plugin/plugin';
import { every } from '#core/plugin/slot';
import { grpcFields, grpcHistogram, Server } from '#core/servers/server';
import { withSocketOwner } from '#core/servers/socket-owner';
import { createGrpcServer } from '#rpc/grpc-server';
import { GrpcService } from '#rpc/grpc-services';
import { listen, type ServerTls } from '#rpc/listen';
import { callMetrics } from './call-metrics.ts';
import { pendingCalls } from './pending-calls.ts';

const config = table({ ...grpcFields, grpc_histogram: grpcHistogram });

/** How long calls under way may go on once the daemon stops; streams that never end (events) would keep it forever. */
const closeGraceMs = 500;

/** The API on a unix socket, and on TCP with TLS where that is configured. */
export default definePlugin({
  slot: Server,
  id: 'grpc',
  config,
  needs: { services: every(GrpcService) },
  async start({ config, daemon, log }, { services }) {
    await using cleanup = new AsyncDisposableStack();
    const server = createGrpcServer({
      log,
      maxReceiveBytes: config.max_recv_message_size,
      maxSendBytes: config.max_send_message_size,
      tracing: daemon.tracing,
      observers: [
        callMetrics(daemon.metrics, config.grpc_histogram, services.values()),
        pendingCalls(daemon.operations),
      ],
    });
    cleanup.defer(() => server.close(closeGraceMs));
    for (const service of services.values()) server.mount(service);
    if (config.tcp_address !== '') {
      const address = await listen(server, config.tcp_address, await readTls(config));
      log.info('serving...', { address });
    }
    const address = await withSocketOwner(config.address, config, () => listen(server, config.address));
    log.info('serving...', { address: config.address });
    const held = cleanup.move();
    return { address, [Symbol.asyncDispose]: () => held.disposeAsync() };
  },
});

async function readTls(grpc: ConfigOf<typeof config>): Promise<ServerTls> {
  if (grpc.tcp_tls_cert === '' || grpc.tcp_tls_key === '') {
    throw invalidArgument(
      `grpc: tcp_address ${grpc.tcp_address}: TCP without TLS is refused: wanted tcp_tls_cert and tcp_tls_key`,
    );
  }
  if (grpc.tcp_tls_common_name !== '' && grpc.tcp_tls_ca === '') {
    throw invalidArgument(
      'grpc: tcp_tls_common_name: wanted tcp_tls_ca too, for without it clients show no certificate',
    );
  }
  return {
    certificate: await readPem('tcp_tls_cert', grpc.tcp_tls_cert),
    key: await readPem('tcp_tls_key', grpc.tcp_tls_key),
    ...(grpc.tcp_tls_ca !== '' && { clientCa: await readPem('tcp_tls_ca', grpc.tcp_tls_ca) }),
    ...(grpc.tcp_tls_common_name !== '' && { clientName: grpc.tcp_tls_common_name }),
  };
}

async function readPem(key: string, path: string): Promise<Buffer> {
  const pem = await readFile(path).catch((thrown: unknown) => {
    throw wrap(thrown, `grpc: ${key}`);
  });
  if (!pem.includes('-----BEGIN ')) throw invalidArgument(`grpc: ${key}: ${path}: wanted a PEM file`);
  return pem;
}
