import { parseChallenges } from '#lib/registry/challenge';
import { fetchToken } from '#lib/registry/token';
import { formatBootstrap, parseBootstrap } from '#plugins/runtime/bootstrap';
import { accepted, acceptedLater, type FuzzTarget, holds, same, textOf } from '../target.ts';

/** `WWW-Authenticate`: never throws, reads what was well formed. */
export const challenges: FuzzTarget = {
  name: 'challenges',
  words: ['Bearer ', 'Basic ', 'realm="', 'scope="', 'service=', '",', '\\"', ', ', '=', '"', 'Negotiate abc=='],
  run(bytes) {
    const text = Buffer.from(bytes).toString('latin1');
    const found = parseChallenges(text);
    for (const { scheme, parameters } of found) {
      holds('a scheme', /^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(scheme));
      for (const [name, value] of Object.entries(parameters)) same(name, typeof value, 'string');
    }
    // What comes behind a challenge that is complete does not change it.
    const own = 'Bearer realm="https://r.example/t",scope="a,b"';
    same('the first', parseChallenges(`${own}, ${text}`)[0]?.parameters.realm, 'https://r.example/t');
    const again = found.map(written).join(', ');
    // More of a header is not read.
    if (again.length <= 16 * 1024) same('written again', parseChallenges(again).map(plain), found.map(plain));
  },
};

const plain = ({ scheme, parameters }: ReturnType<typeof parseChallenges>[number]) => ({ scheme, ...parameters });
const written = ({ scheme, parameters }: ReturnType<typeof parseChallenges>[number]) =>
  `${scheme} ${Object.entries(parameters)
    .map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`)
    .join(',')}`;

/** What a token server answers: a token that may stand in a header, or an error without it. */
export const tokens: FuzzTarget = {
  name: 'tokens',
  words: ['"token":', '"access_token":', '"expires_in":', '"\\r\\nx: y"', '1e400', 'null', '{', '}', '[]'],
  async run(bytes) {
    const body = Buffer.from(bytes);
    const request = {
      realm: new URL('https://r.example/t'),
      service: 's',
      scopes: ['repository:a:pull'],
      credentials: { user: 'u', password: 'secret-of-the-test' },
      signal: new AbortController().signal,
    };
    const answer = { status: 200, headers: {}, bytes: async () => body } as never;
    const got = await acceptedLater(() => fetchToken(request, async () => answer), 'unknown', 'invalid_argument');
    if (got === undefined) return;
    holds('one line', /^[\x21-\x7e]+$/.test(got.token));
    holds('a time', got.expiresAt > Date.now() - 10_000);
  },
};

/** What a shim prints at its start: an address of one of three generations, or an error. */
export const bootstraps: FuzzTarget = {
  name: 'bootstraps',
  words: [
    'unix:///run/containerd/s/',
    '{"version":3,',
    '"address":',
    '"protocol":"ttrpc"',
    Uint8Array.of(8, 3, 0x12),
    'vsock://',
    '\n',
  ],
  run(bytes) {
    const found = accepted(() => parseBootstrap(bytes), 'invalid_argument');
    if (found === undefined) return;
    holds('an address', found.address !== '' && found.protocol === 'ttrpc' && [2, 3].includes(found.version));
    same('kept and read again', parseBootstrap(Buffer.from(formatBootstrap(found))), found);
    holds('as text', textOf(bytes) !== '');
  },
};
