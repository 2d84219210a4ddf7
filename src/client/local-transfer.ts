import type { Log } from '#base/log';
import { berthVersion } from '#base/version';
import { TransferEngine } from '#core/transfer/engine/engine';
import { proxyFrom, Registries } from '#core/transfer/engine/registries';
import { Limiter } from '#core/transfer/limiter';
import type { Transfer } from '#core/transfer/transfer';
import { remoteSnapshotter } from '#rpc/snapshots/client';
import type { Client } from './client.ts';

/** Where registries are described on this machine; the daemon's own custom. */
const directories = ['/etc/containerd/certs.d', '/etc/docker/certs.d'];
const downloads = 3;
const uploads = 3;

/**
 * Transfers that this process performs: it talks to registries itself and writes what comes into the daemon's stores, by calls that
 * every daemon knows. The same engine as in the daemon, so that the same comes of it; what it costs more is the way over the socket.
 */
export function localTransfer(
  client: Pick<Client, 'content' | 'images' | 'leases' | 'namespaces' | 'differ' | 'transport'>,
  registries: Registries,
  log: Log,
): Transfer {
  const { content, images, leases, namespaces, differ, transport } = client;
  return new TransferEngine({
    // That the daemon has no such snapshotter, it says itself.
    metadata: { content, images, leases, namespaces, snapshotters: { get: (id) => remoteSnapshotter(transport, id) } },
    differ,
    registries,
    downloads: new Limiter(downloads),
    uploads: new Limiter(uploads),
    unpacks: new Limiter(1),
    defaultSnapshotter: 'overlayfs',
    alone: false,
    log,
  });
}

/** Registries as a program on this machine reaches them. Dispose it to close its connections. */
export function clientRegistries(environment: Readonly<Record<string, string | undefined>>, log: Log): Registries {
  const proxy = proxyFrom(environment);
  return new Registries({
    directories,
    mirrors: {},
    userAgent: `containerd/${berthVersion.version}`,
    ...(proxy !== undefined && { proxy }),
    log,
  });
}
