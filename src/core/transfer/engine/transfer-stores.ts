import type { Metadata } from '#core/metadata';

/** What transfers read and write: the daemon's own stores, or those of a daemon elsewhere. */
export interface TransferStores extends Pick<Metadata, 'content' | 'images' | 'leases' | 'namespaces'> {
  readonly snapshotters: Pick<Metadata['snapshotters'], 'get'>;
}
