import { isIP } from 'node:net';
import { invalidArgument } from '#base/errors';
import type { PortMapping } from '#core/engine/container-settings';

export interface ExposedPort {
  readonly port: number;
  readonly protocol: PortMapping['protocol'];
}

/** One port of the container. The host's is any that is free of a range; 0 to 0 of all. */
export interface PublishedPort {
  readonly hostIp: string;
  readonly hostPorts: Range;
  readonly containerPort: number;
  readonly protocol: PortMapping['protocol'];
}

export type Range = readonly [first: number, last: number];

/**
 * Reads `80`, `8080:80`, `127.0.0.1::80/udp`, `[::1]:8000-8010:8000-8010/tcp`, `target=80,published=8080`: a mapping for each port.
 * @throws invalid_argument in docker's words
 */
export function parsePublish(given: string): readonly PublishedPort[] {
  const text = given.includes('=') ? shortForm(given) : given;
  const { ports, protocol } = splitProtocol(text);
  const { ip, host, container } = splitPorts(ports);
  if (container === '') throw invalidArgument(`No port specified: ${ports}<empty>`);
  const inside = rangeIn(container, 'containerPort');
  const outside = host === '' ? undefined : rangeIn(host, 'hostPort');
  const count = inside[1] - inside[0] + 1;
  if (outside !== undefined && outside[1] - outside[0] + 1 !== count && count > 1)
    throw invalidArgument(`Invalid ranges specified for container and host Ports: ${container} and ${host}`);
  return Array.from({ length: count }, (_, at) => ({
    hostIp: ip,
    hostPorts: hostRange(outside, count, at),
    containerPort: inside[0] + at,
    protocol,
  }));
}

/** Reads `80`, `80-90/udp`: every port of it. @throws invalid_argument in docker's words */
export function parseExpose(text: string): readonly ExposedPort[] {
  if (text.includes(':')) throw invalidArgument(`invalid port format for --expose: ${text}`);
  const { ports, protocol } = splitProtocol(text);
  let range: Range;
  try {
    range = rangeIn(ports, 'containerPort');
  } catch (cause) {
    const why = /^\d+-\d+$/.test(ports)
      ? `Invalid range specified for the Port: ${ports}`
      : `strconv.ParseUint: parsing "${ports}": invalid syntax`;
    throw invalidArgument(`invalid range format for --expose: ${ports}, error: ${why}`, cause);
  }
  return Array.from({ length: range[1] - range[0] + 1 }, (_, at) => ({ port: range[0] + at, protocol }));
}

function hostRange(outside: Range | undefined, count: number, at: number): Range {
  if (outside === undefined) return [0, 0];
  return count === 1 ? outside : [outside[0] + at, outside[0] + at];
}

function splitProtocol(text: string) {
  const [ports = '', protocol = 'tcp', ...rest] = text.split('/');
  const lower = protocol.toLowerCase() || 'tcp';
  if (rest.length > 0 || (lower !== 'tcp' && lower !== 'udp' && lower !== 'sctp'))
    throw invalidArgument(`Invalid proto: ${[protocol, ...rest].join('/')}`);
  return { ports, protocol: lower } as const;
}

/** From the right, as an address may have colons. */
function splitPorts(text: string) {
  const parts = text.split(':');
  const container = parts.pop() ?? '';
  const host = parts.pop() ?? '';
  const address = parts.join(':');
  const ip = address.replace(/^\[(.*)\]$/, '$1');
  if (ip !== '' && isIP(ip) === 0) throw invalidArgument(`Invalid ip address: ${address}`);
  return { ip, host, container };
}

function rangeIn(text: string, what: string): Range {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const range: Range = [Number(first), Number(last)];
  if (first === undefined || range[0] > range[1] || range[1] > 65_535)
    throw invalidArgument(`Invalid ${what}: ${text}`);
  return range;
}

/** The long form has the same in words. */
function shortForm(text: string): string {
  let [target, published, protocol] = ['', '', 'tcp'];
  for (const field of text.split(',')) {
    const [key = '', value = ''] = field.split('=', 2);
    if (key === 'target') target = value;
    else if (key === 'published') published = value;
    else if (key === 'protocol') protocol = value;
    else if (key !== 'mode' || (value !== 'host' && value !== 'ingress'))
      throw invalidArgument(`invalid field '${field}' in ${text}`);
  }
  if (target === '') throw invalidArgument(`invalid port format: ${text}: no target`);
  return `${published === '' ? '' : `${published}:`}${target}/${protocol}`;
}
