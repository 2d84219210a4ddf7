import { isIP } from 'node:net';
import { invalidArgument } from '#base/errors';

export interface AddedHost {
  readonly name: string;
  /** An address, or `host-gateway`. */
  readonly address: string;
}

/** Reads `name:address`, `name=address`, with IPv6 addresses also in brackets. @throws invalid_argument in docker's words */
export function parseAddHost(text: string): AddedHost {
  const [, name = '', given = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? /^([^:]+):(.*)$/s.exec(text) ?? [];
  if (name === '') throw invalidArgument(`bad format for add-host: ${JSON.stringify(text)}`);
  const address = given.replace(/^\[(.*)\]$/, '$1');
  if (address !== 'host-gateway' && isIP(address) === 0)
    throw invalidArgument(`invalid IP address in add-host: ${JSON.stringify(given)}`);
  if (/\s/.test(name)) throw invalidArgument(`bad format for add-host: ${JSON.stringify(text)}`);
  return { name, address };
}

/** @throws invalid_argument in docker's words */
export function parseAddress(text: string): string {
  const trimmed = text.trim();
  if (isIP(trimmed) === 0) throw invalidArgument(`IP address is not correctly formatted: ${text}`);
  return trimmed;
}

/** A domain to search in; `.` for none. @throws invalid_argument in docker's words */
export function parseDnsSearch(text: string): string {
  const domain = text.trim();
  if (domain === '.') return domain;
  if (
    domain.length > 255 ||
    !/[a-zA-Z]/.test(domain) ||
    !domain.split('.').every((part) => /^[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?$/.test(part))
  )
    throw invalidArgument(`${text} is not a valid domain`);
  return domain;
}
