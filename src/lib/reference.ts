import { invalidArgument } from '#base/errors';
import { type Digest, parseDigest } from './digest.ts';

/**
 * Where an image is: `host[:port]/repository[:tag][@digest]`. Unlike docker's short names, nothing is filled in: the host is there, the tag may be missing.
 * Every part is checked, so that it may go into a URL as it is.
 */
export interface Reference {
  /** With port, when there is one; an IPv6 address in brackets. */
  readonly host: string;
  /** The path without slashes around it; empty only for a reference that names a host alone. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/**
 * Reads a full reference. Takes time linear in the text.
 *
 * @throws invalid_argument naming the reference and what is wrong with it: no host, a scheme, a bad host, path, tag or digest, or more than 1024 characters.
 */
export function parseReference(text: string): Reference {
  if (text.length > maxLength) throw bad(text, `longer than ${maxLength} characters`);
  if (text.includes('://')) throw bad(text, 'invalid reference: it has a scheme');
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  if (host === '') throw bad(text, 'hostname required');
  if (!isHost(host)) throw bad(text, `invalid host ${shown(host)}`);
  const rest = slash < 0 ? '' : text.slice(slash + 1);
  const end = rest.search(/[:@]/);
  const repository = end < 0 ? rest : rest.slice(0, end);
  if (repository !== '' && !isRepository(repository)) throw bad(text, `invalid repository ${shown(repository)}`);
  if (end < 0) return { host, repository };
  if (repository === '') throw bad(text, 'repository required');
  return { host, repository, ...parseObject(text, rest.slice(end)) };
}

/** The reference as text; the inverse of `parseReference`. */
export function formatReference(reference: Reference): string {
  const { tag, digest } = reference;
  return `${locatorOf(reference)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** Host and repository. */
export const locatorOf = ({ host, repository }: Reference): string =>
  repository === '' ? host : `${host}/${repository}`;

/**
 * What to ask the registry for: the digest when there is one, else the tag.
 *
 * @throws invalid_argument (`object required`) when there is neither.
 */
export function objectOf(reference: Reference): string {
  const object = reference.digest ?? reference.tag;
  if (object === undefined || reference.repository === '') throw bad(formatReference(reference), 'object required');
  return object;
}

/** A host name, an IPv4 address or a bracketed IPv6 address, with or without a port. */
export function isHost(text: string): boolean {
  const match = hostShape.exec(text);
  if (match === null || text.length > maxHost) return false;
  const { port } = match.groups as { port?: string };
  return port === undefined || (Number(port) > 0 && Number(port) < 65536);
}

export const isTag = (text: string): boolean => tagShape.test(text);

const maxLength = 1024;
const maxHost = 255 + ':65535'.length;
const hostShape = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::(?<port>\d{1,5}))?$/;
const tagShape = /^\w[\w.-]{0,127}$/;
// What may stand in a URL's path as it is. Registries know which of these names they have; `.` and `..` would leave the repository.
const componentShape = /^[A-Za-z0-9._~-]+$/;

function isRepository(text: string): boolean {
  return text.split('/').every((part) => componentShape.test(part) && part !== '.' && part !== '..');
}

/** `object` begins with its colon or at sign. */
function parseObject(text: string, object: string): { readonly tag?: string; readonly digest?: Digest } {
  const at = object.indexOf('@');
  const tag = object.startsWith(':') ? object.slice(1, at < 0 ? undefined : at) : undefined;
  if (tag === '') throw bad(text, 'object required');
  if (tag !== undefined && !tagShape.test(tag)) throw bad(text, `invalid tag ${shown(tag)}`);
  if (at < 0) return { tag: tag as string };
  const digest = parseDigest(object.slice(at + 1));
  return tag === undefined ? { digest } : { tag, digest };
}

/** Of a name, in an error about it. */
const maxShown = 300;
const shown = (text: string) => JSON.stringify(text.length <= maxShown ? text : `${text.slice(0, maxShown)}…`);

const bad = (text: string, reason: string) => invalidArgument(`reference ${shown(text)}: ${reason}`);
