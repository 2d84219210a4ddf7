import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * Where nerdctl keeps what is no daemon's, under names that other tools know: a data root with a directory for each daemon, in it
 * `containers/<namespace>/<id>`, `names/<namespace>/<name>`, `etchosts/<namespace>/<id>`, `volumes/<namespace>/<name>`.
 */
export interface Layout {
  /** The data root's part for this daemon. */
  readonly store: string;
  container(namespace: string, id: string): string;
  /** One file a name, which holds the id of its container. */
  names(namespace: string): string;
  /** `hosts` and `meta.json` of a container. */
  hosts(namespace: string, id: string): string;
  volumes(namespace: string): string;
}

export const defaultDataRoot = '/var/lib/nerdctl';

/** @param address of the daemon, with or without `unix://`; daemons are told apart by it, links resolved */
export function layoutFor(dataRoot: string, address: string): Layout {
  return layoutAt(resolve(dataRoot, storeName(address))); // the daemon has another working directory
}

/** The same for a directory that is known already, as a container's settings name it. */
export const layoutAt = (store: string): Layout => ({
  store,
  container: (namespace, id) => join(store, 'containers', namespace, id),
  names: (namespace) => join(store, 'names', namespace),
  hosts: (namespace, id) => join(store, 'etchosts', namespace, id),
  volumes: (namespace) => join(store, 'volumes', namespace),
});

function storeName(address: string): string {
  const path = address.replace(/^unix:\/\//, '');
  return createHash('sha256').update(resolved(path)).digest('hex').slice(0, 8);
}

/** A daemon that does not run (any more) has the same directory. */
function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    try {
      return join(realpathSync(dirname(path)), basename(path));
    } catch {
      return path;
    }
  }
}
