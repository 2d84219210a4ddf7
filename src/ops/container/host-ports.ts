import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { failedPrecondition, isFault } from '#base/errors';
import { type PortMapping, settingsOf } from '#core/engine/container-settings';
import type { Engine } from '../engine.ts';
import type { PublishedPort } from './parse/ports.ts';

/**
 * The port of the machine for each: the one that was named, or of a range the first that nobody has, nor another container is to have.
 * @throws failed_precondition when none of a range is free
 */
export async function chooseHostPorts(
  engine: Engine,
  wanted: readonly PublishedPort[],
): Promise<readonly PortMapping[]> {
  const mapped: PortMapping[] = [];
  let promised: ReadonlySet<string> | undefined;
  for (const { hostIp, hostPorts, containerPort, protocol } of wanted) {
    const [first, last] = hostPorts;
    let hostPort = first;
    if (first !== last) {
      promised ??= await promisedPorts(engine);
      const taken = new Set([...promised, ...mapped.map((one) => `${one.protocol}/${one.hostPort}`)]);
      hostPort = await firstFree({ hostIp, first, last, protocol }, taken);
    }
    mapped.push({ hostIp, hostPort, containerPort, protocol });
  }
  return mapped;
}

interface Range {
  readonly hostIp: string;
  readonly first: number;
  readonly last: number;
  readonly protocol: PortMapping['protocol'];
}

async function firstFree({ hostIp, first, last, protocol }: Range, taken: ReadonlySet<string>): Promise<number> {
  for (let port = first; port <= last; port++)
    if (!taken.has(`${protocol}/${port}`) && (await isFree(hostIp, port, protocol))) return port;
  throw failedPrecondition(`Bind for ${hostIp || '0.0.0.0'}:${first}-${last} failed: all ports are allocated`);
}

async function promisedPorts({ client, scope }: Engine): Promise<ReadonlySet<string>> {
  const promised = new Set<string>();
  for (const container of await client.containers.list(scope)) {
    try {
      for (const { protocol, hostPort } of settingsOf(container)?.network.ports ?? [])
        promised.add(`${protocol}/${hostPort}`);
    } catch (thrown) {
      if (!isFault(thrown, 'invalid_argument')) throw thrown;
    }
  }
  return promised;
}

/** Tried out: nobody else can say. Of sctp nothing is known before the container starts. */
async function isFree(hostIp: string, port: number, protocol: PortMapping['protocol']): Promise<boolean> {
  if (protocol === 'sctp') return true;
  const host = hostIp || '0.0.0.0';
  try {
    if (protocol === 'udp') {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      const bound = once(socket, 'listening');
      socket.bind(port, host);
      await bound.finally(() => socket.close());
    } else {
      const server = createServer();
      const bound = once(server, 'listening');
      server.listen(port, host);
      await bound;
      server.close();
    }
    return true;
  } catch (thrown) {
    if (['EADDRINUSE', 'EACCES'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return false;
    throw thrown;
  }
}
