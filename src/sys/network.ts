import { closeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { addon } from './addon.ts';

/**
 * Makes a network namespace with its loopback up, kept by a mount on a new file at `path`; `removeNetworkNamespace` ends it. Who dies in between leaves
 * the file, with or without the mount. @throws EEXIST; EPERM
 */
export const makeNetworkNamespace = (path: string): Promise<void> => addon.makeNetworkNamespace(path);

const mntDetach = 2;
const noFollow = 8;

/** Lets go of a namespace: it ends with its last process. One that has gone, or was never finished, is no error. */
export async function removeNetworkNamespace(path: string): Promise<void> {
  try {
    await addon.umount(path, mntDetach | noFollow);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EINVAL' && code !== 'ENOENT') throw error; // not mounted; not there
  }
  await rm(path, { force: true });
}

export type TransportProtocol = 'tcp' | 'udp' | 'sctp';

const numbers: Readonly<Record<TransportProtocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

/**
 * Holds a port of this machine: nobody else can bind it, and who connects to it is refused, unless a rule leads him elsewhere. Port 0 is any.
 * @throws EADDRINUSE; EADDRNOTAVAIL; EAFNOSUPPORT, EPROTONOSUPPORT where the kernel lacks IPv6 or SCTP
 */
export function holdPort(protocol: TransportProtocol, address: string, port: number): Disposable {
  const fd = addon.bindPort(numbers[protocol], address, port);
  return { [Symbol.dispose]: () => closeSync(fd) };
}
