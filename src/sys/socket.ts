import type { Socket } from 'node:net';
import { addon } from './addon.ts';

/** Who is at the other end of a unix socket, as the kernel noted when it connected. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Of a connected unix socket of node:net; `undefined` for one that is closed, or not made by the runtime from a descriptor. */
export function peerOf(socket: Socket): PeerCredentials | undefined {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd === undefined || handle.fd < 0 ? undefined : peerCredentials(handle.fd);
}

/** @throws ENOTSOCK; ENOTCONN */
export function peerCredentials(fd: number): PeerCredentials {
  const [pid = 0, uid = 0, gid = 0] = addon.peerCredentials(fd);
  return { pid, uid, gid };
}

/** Sends one datagram to a unix socket, as sd_notify does; a path that begins with `@` is in the abstract namespace. @throws ENOENT, ECONNREFUSED */
export const sendDatagram = (path: string, message: string): void => addon.sendDatagram(path, message);
