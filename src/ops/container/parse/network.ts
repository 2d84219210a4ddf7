import { isIP } from 'node:net';
import { invalidArgument } from '#base/errors';
import { splitFields } from './csv.ts';

/** A network's name, or `host`, `none`, `container:<name|id>`, `ns:<path>`, and what is wanted of it. Empty: as the network chooses. */
export interface NetworkRequest {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly ip: string;
  readonly ip6: string;
  readonly mac: string;
  readonly linkLocalIps: readonly string[];
}

export const plainNetwork = (name: string): NetworkRequest => ({
  name,
  aliases: [],
  ip: '',
  ip6: '',
  mac: '',
  linkLocalIps: [],
});

/** Reads `name`, or `name=x,alias=a,ip=1.2.3.4,ip6=…,mac-address=…`. @throws invalid_argument in docker's words */
export function parseNetwork(text: string): NetworkRequest {
  if (text === '') throw invalidArgument('no name set for network');
  // A path may have what looks like the long form.
  if (!/^[a-z0-9-]+=/i.test(text)) return plainNetwork(text);
  let request = plainNetwork('');
  for (const field of splitFields(text)) {
    const [, key = '', value = ''] = /^\s*([^=]*?)\s*=(.*)$/s.exec(field) ?? [];
    if (key === '') throw invalidArgument(`invalid key/value pair format in driver options`);
    request = { ...request, ...wish(key.toLowerCase(), value.trim(), request) };
  }
  if (request.name === '') throw invalidArgument('network name/id is not specified');
  return request;
}

function wish(key: string, value: string, request: NetworkRequest): Partial<NetworkRequest> {
  switch (key) {
    case 'name':
      return { name: value };
    case 'alias':
      return { aliases: [...request.aliases, value] };
    case 'ip':
      return { ip: checkIp(value, 4) };
    case 'ip6':
      return { ip6: checkIp(value, 6) };
    case 'mac-address':
      return { mac: parseMac(value) };
    case 'link-local-ip':
      return { linkLocalIps: [...request.linkLocalIps, value] };
    case 'driver-opt':
    case 'gw-priority':
      throw invalidArgument(`network option ${key} is not supported: a network's own configuration says how it is`);
    default:
      throw invalidArgument(`invalid field key ${key}`);
  }
}

/** @throws invalid_argument in docker's words */
export function checkIp(text: string, version: 4 | 6): string {
  if (isIP(text) !== version) throw invalidArgument(`invalid IPv${version} address: ${text}`);
  return text;
}

/** @throws invalid_argument in docker's words */
export function parseMac(text: string): string {
  if (!/^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text))
    throw invalidArgument(`${text} is not a valid mac address`);
  return text.toLowerCase().replaceAll('-', ':');
}
