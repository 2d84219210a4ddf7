import type { Log } from '#base/log';
import { berthVersion } from '#base/version';
import { TransferEngine } from '#core/transfer/engine/engine';
import { proxyFrom, Registries } from '#core/transfer/engine/registries';
import type { TransferStores } from '#core/transfer/engine/transfer-stores';
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
  client: StoreClient & Pick<Client, 'differ'>,
  registries: Registries,
  log: Log,
): Transfer {
  return new TransferEngine({
    metadata: storesOf(client),
    differ: client.differ,
    registries,
    downloads: new Limiter(downloads),
    uploads: new Limiter(uploads),
    unpacks: new Limiter(1),
    defaultSnapshotter: 'overlayfs',
    alone: false,
    log,
  });
}

type StoreClient = Pick<Client, 'content' | 'images' | 'leases' | 'namespaces' | 'transport'>;

/** A daemon's stores, as the engine uses them. That it has no such snapshotter, the daemon says itself. */
export function storesOf({ content, images, leases, namespaces, transport }: StoreClient): TransferStores {
  return { content, images, leases, namespaces, snapshotters: { get: (id) => remoteSnapshotter(transport, id) } };
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
