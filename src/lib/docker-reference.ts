import { invalidArgument } from '#base/errors';
import { type Digest, parseDigest } from './digest.ts';
import { isHost, isTag, type Reference } from './reference.ts';

/**
 * Reads a name as docker's users type it and fills in what they leave out: `busybox` is `docker.io/library/busybox`.
 * The tag is left out when the text has none; `withDefaultTag` adds it. Names are bounded to 255 characters.
 *
 * @throws invalid_argument for upper case in the path, 64 hexadecimal digits (an image id), and bad hosts, paths, tags and digests.
 */
export function parseDockerReference(text: string): Reference {
  if (text === '') throw bad(text, 'repository name must have at least one component');
  if (text.length > maxLength) throw bad(text, `longer than ${maxLength} characters`);
  if (imageId.test(text)) throw bad(text, 'cannot specify 64-byte hexadecimal strings');
  const { name, tag, digest } = split(text);
  const { host, path } = splitHost(name);
  if (path !== path.toLowerCase()) throw bad(text, `repository name (${shown(path)}) must be lowercase`);
  if (!isHost(host) || !pathShape.test(path)) throw bad(text, 'invalid reference format');
  if (path.length > maxName) throw bad(text, `repository name must not be more than ${maxName} characters`);
  if (tag !== undefined && !isTag(tag)) throw bad(text, 'invalid reference format');
  return { host, repository: path, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** The reference with the tag `latest` when it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
}

/** Host and repository as docker's users like to see them: without `docker.io/` and `library/`. */
export function familiarName({ host, repository }: Reference): string {
  if (host !== defaultHost) return `${host}/${repository}`;
  return repository.startsWith(official) && !repository.includes('/', official.length)
    ? repository.slice(official.length)
    : repository;
}

/** The whole reference in that form. */
export function familiarString(reference: Reference): string {
  const { tag, digest } = reference;
  return `${familiarName(reference)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

const defaultHost = 'docker.io';
const oldDefaultHost = 'index.docker.io';
const official = 'library/';
const maxLength = 1024;
const maxName = 255;
const imageId = /^[a-f0-9]{64}$/;
// Each alternative begins with another character than the one before can end with, so that there is one way to match.
const pathShape = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;

function split(text: string): { readonly name: string; readonly tag?: string; readonly digest?: Digest } {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : parseDigest(text.slice(at + 1));
  const tagged = at < 0 ? text : text.slice(0, at);
  const colon = tagged.lastIndexOf(':');
  // A colon before the last slash belongs to the host's port.
  const hasTag = colon > tagged.lastIndexOf('/');
  return {
    name: hasTag ? tagged.slice(0, colon) : tagged,
    ...(hasTag && { tag: tagged.slice(colon + 1) }),
    ...(digest !== undefined && { digest }),
  };
}

/** The first component is a host when it looks like no repository could: a dot, a port, upper case, or `localhost`. */
function splitHost(name: string): { readonly host: string; readonly path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isFirstHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const host = isFirstHost && first !== oldDefaultHost ? first : defaultHost;
  const path = isFirstHost ? name.slice(slash + 1) : name;
  return { host, path: host === defaultHost && !path.includes('/') ? `${official}${path}` : path };
}

/** Of a name, in an error about it. */
const maxShown = 300;
const shown = (text: string) => (text.length <= maxShown ? text : `${text.slice(0, maxShown)}…`);

const bad = (text: string, reason: string) => invalidArgument(`reference ${JSON.stringify(shown(text))}: ${reason}`);
