import type { PortMapping } from '#core/engine/container-settings';

interface Range {
  readonly hostIp: string;
  readonly protocol: string;
  readonly published: boolean;
  readonly first: number;
  last: number;
}

/**
 * docker's PORTS: `0.0.0.0:8080->80/tcp, 443-444/tcp`. Neighbours of one address and protocol that are published at their own numbers, or not at all,
 * are told together.
 */
export function portWords(ports: readonly PortMapping[]): string {
  const sorted = [...ports].sort(
    (a, b) =>
      a.containerPort - b.containerPort ||
      order(a.hostIp, b.hostIp) ||
      a.hostPort - b.hostPort ||
      order(a.protocol, b.protocol),
  );
  const single: string[] = [];
  const ended: Range[] = [];
  const open = new Map<string, Range>();
  for (const { hostIp, hostPort, containerPort, protocol } of sorted) {
    const published = hostPort > 0;
    if (published && hostPort !== containerPort) {
      single.push(`${shownAddress(hostIp)}:${hostPort}->${containerPort}/${protocol}`);
      continue;
    }
    const key = `${published ? hostIp : '-'}/${protocol}`;
    const known = open.get(key);
    if (known !== undefined && containerPort - known.last <= 1) {
      known.last = containerPort;
      continue;
    }
    if (known !== undefined) ended.push(known);
    // In its old place where there was one, which is docker's order.
    open.set(key, { hostIp, protocol, published, first: containerPort, last: containerPort });
  }
  return [...[...ended, ...open.values()].map(rangeWords), ...single].join(', ');
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function rangeWords({ hostIp, protocol, published, first, last }: Range): string {
  const numbers = first === last ? `${first}` : `${first}-${last}`;
  return published ? `${shownAddress(hostIp)}:${numbers}->${numbers}/${protocol}` : `${numbers}/${protocol}`;
}

const shownAddress = (address: string): string => {
  const known = address === '' ? '0.0.0.0' : address;
  return known.includes(':') ? `[${known}]` : known;
};
