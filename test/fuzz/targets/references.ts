import { isDigest } from '#lib/digest';
import { familiarString, parseDockerReference, withDefaultTag } from '#lib/docker-reference';
import { formatReference, parseReference, type Reference } from '#lib/reference';
import { accepted, type FuzzTarget, holds, same, textOf } from '../target.ts';

const digest = `sha256:${'a'.repeat(64)}`;

/** Names of images. What is taken prints as itself, and names no other place when it has become a URL. */
export const references: FuzzTarget = {
  name: 'references',
  words: [
    digest,
    '@sha256:',
    '://',
    'docker.io/',
    'library/',
    ':5000',
    '[::1]',
    '..',
    '/',
    ':',
    '@',
    '%2e%2e',
    '0x7f.1',
    '\\',
    '?',
    '#',
  ],
  run(bytes) {
    const text = textOf(bytes);
    const full = accepted(() => parseReference(text), 'invalid_argument');
    if (full !== undefined) {
      // A slash at the end is the only thing that may be lost.
      holds(`${text} prints as itself`, [text, text.slice(0, -1)].includes(formatReference(full)));
      same('read again', parseReference(formatReference(full)), full);
      leadsNowhereElse(full);
    }
    const docker = accepted(() => parseDockerReference(text), 'invalid_argument');
    if (docker === undefined) return;
    leadsNowhereElse(docker);
    same('a docker name is a full one', parseReference(formatReference(docker)), docker);
    if (isUnambiguous(docker)) same('as docker shows it', parseDockerReference(familiarString(docker)), docker);
    holds('a tag or a digest', /[:@][^/]+$/.test(formatReference(withDefaultTag(docker))));
  },
};

/** Docker's way to show a name leaves out `docker.io`, even where what remains looks like a host or an image id. */
function isUnambiguous({ host, repository }: Reference): boolean {
  const [first = '', ...rest] = repository.replace(/^library\/(?=[^/]+$)/, '').split('/');
  return (
    host !== 'docker.io' || (!/^[0-9a-f]{64}$/.test(first) && (rest.length === 0 || !/[.:]|^localhost$/.test(first)))
  );
}

/** The URL's own parser must find what we put in: no other host, no other path. */
function leadsNowhereElse({ host, repository, tag, digest: wanted }: Reference): void {
  const object = wanted ?? tag ?? 'latest';
  if (wanted !== undefined) holds('a digest is one', isDigest(wanted));
  if (!URL.canParse(`https://${host}`)) return;
  const url = new URL(`https://${host}/v2/${repository}/manifests/${object}`);
  same('path', url.pathname, `/v2/${repository}/manifests/${object}`);
  same('what a URL has besides', [url.username, url.password, url.search, url.hash], ['', '', '', '']);
}
