import { invalidArgument } from '#base/errors';

/** Where a daemon is to be found. */
export type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

// What sockaddr_un has room for, without the final zero.
const maxSocketPath = 107;

/**
 * Reads `unix:///path`, `unix:/path`, `/path`, `tcp://host:port` and `host:port` (IPv6 in brackets).
 *
 * @throws invalid_argument
 */
export function parseAddress(text: string): Address {
  const path = /^(?:unix:(?:\/\/)?)?(\/.*)$/s.exec(text)?.[1];
  if (path !== undefined) {
    if (Buffer.byteLength(path) > maxSocketPath || path.includes('\0')) {
      throw invalidArgument(
        `address ${JSON.stringify(text)}: a socket's path has at most ${maxSocketPath} bytes and no zero`,
      );
    }
    return { kind: 'unix', path };
  }
  const match = /^(?:tcp:\/\/)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port > 65535) {
    throw invalidArgument(`address ${JSON.stringify(text)}: wanted unix:///path or tcp://host:port`);
  }
  return { kind: 'tcp', host: match[1], port };
}
