import { afterEach, beforeEach, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { classOf } from '#base/errors';
import { silent } from '#base/log';
import { FakeRegistry } from '#test/support/fake-registry';
import { type Capability, defaultHost, type RegistryHost } from './host.ts';
import { hostsFromDirectories } from './hosts-directory.ts';
import { parseGoDuration, readHostsFile } from './hosts-file.ts';
import { HttpClient } from './http.ts';
import { hostsFromMirrors } from './mirrors.ts';
import { Repository } from './repository.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync('/tmp/berth-hosts-');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const plain = (hosts: readonly RegistryHost[]) =>
  hosts.map((h) => ({ ...h, capabilities: [...h.capabilities] as Capability[] }));

test('hosts.toml gives its hosts in order, then the server', async () => {
  writeFileSync(join(dir, 'ca.pem'), 'CA');
  writeFileSync(join(dir, 'both.pem'), 'BOTH');
  writeFileSync(join(dir, 'key.pem'), 'KEY');
  const hosts = await readHostsFile(
    `server = "https://registry.example"
     ca = "ca.pem"
     [host."https://z.example/prefix"]
       capabilities = ["pull", "resolve", "referrers"]
       skip_verify = true
       client = "both.pem"
       dial_timeout = "1m0.5s"
       [host."https://z.example/prefix".header]
         X-One = "a"
         X-Two = ["b", "c"]
     [host."http://a.example:5000/v2/"]
       client = [["both.pem", "key.pem"], ["both.pem"]]
     [host."b.example"]
       override_path = true
     [host."c.example/exact/path"]
       override_path = true
    `,
    defaultHost('r.example'),
    dir,
  );
  const every: Capability[] = ['pull', 'resolve', 'push'];
  const tls = { ca: [], clients: [], skipVerify: false };
  const both = { cert: 'BOTH', key: 'BOTH' };
  expect(plain(hosts)).toEqual([
    {
      scheme: 'https',
      host: 'z.example',
      path: '/prefix/v2',
      capabilities: ['pull', 'resolve'],
      headers: { 'x-one': ['a'], 'x-two': ['b', 'c'] },
      tls: { ca: [], clients: [both], skipVerify: true },
      dialTimeoutMs: 60_500,
    },
    {
      scheme: 'http',
      host: 'a.example:5000',
      path: '/v2',
      capabilities: every,
      headers: {},
      tls: { ...tls, clients: [{ cert: 'BOTH', key: 'KEY' }, both] },
    },
    { scheme: 'https', host: 'b.example', path: '', capabilities: every, headers: {}, tls },
    { scheme: 'https', host: 'c.example', path: '/exact/path', capabilities: every, headers: {}, tls },
    {
      scheme: 'https',
      host: 'registry.example',
      path: '/v2',
      capabilities: every,
      headers: {},
      tls: { ...tls, ca: ['CA'] },
    },
  ]);
});

test('without a server the registry itself comes last', async () => {
  const hosts = await readHostsFile('[host."https://mirror.example"]', defaultHost('docker.io'), dir);
  expect(hosts.map((h) => h.host)).toEqual(['mirror.example', 'registry-1.docker.io']);
});

test('a server that has a table of its own is asked once, as the table says', async () => {
  const hosts = await readHostsFile(
    'server = "https://r.example"\n[host."https://r.example"]\nskip_verify = true',
    defaultHost('r.example'),
    dir,
  );
  expect(hosts.map(({ host, tls }) => [host, tls.skipVerify])).toEqual([['r.example', true]]);
});

test('what is wrong in hosts.toml is named', async () => {
  const cases: [text: string, words: string][] = [
    ['server = 1', 'server: wanted a string, got 1'],
    ['server = "ftp://x"', 'server: unsupported scheme "ftp"'],
    ['server = "https://u:p@x"', 'server: a host'],
    ['host = 3', 'host: wanted a table, got 3'],
    ['[host."https://x"]\ncapabilities = ["fly"]', 'host."https://x".capabilities: unknown capability "fly"'],
    ['[host."https://x"]\nskip_verify = "yes"', 'host."https://x".skip_verify: wanted true or false, got "yes"'],
    ['[host."https://x"]\ndial_timeout = "soon"', 'host."https://x".dial_timeout: wanted a duration'],
    ['[host."https://x".header]\n"a b" = "c"', 'is no header'],
    ['[host."https://x".header]\na = "b\\nc"', "a header's value is one line"],
    ['ca = "\\u0000"', 'is no name of a file'],
    ['server = ', ''],
  ];
  for (const [text, words] of cases) {
    const error = await readHostsFile(text, defaultHost('r.example'), dir).then(
      () => new Error('accepted'),
      (e: Error) => e,
    );
    expect([classOf(error), error.message.includes(words), text]).toEqual(['invalid_argument', true, text]);
  }
});

test('durations are read as Go writes them', () => {
  expect(['1s', '1m30s', '1.5h', '200ms', '5us'].map((text) => parseGoDuration(text, ''))).toEqual([
    1000, 90_000, 5_400_000, 200, 0.005,
  ]);
});

test('directories are looked up as host_port_, host:port, _default; broken files are reported and certificates used', async () => {
  const problems: string[] = [];
  const hosts = hostsFromDirectories([join(dir, 'missing'), dir], { onProblem: (text) => problems.push(text) });
  const server = async (registry: string) => (await hosts(registry)).map((h) => `${h.scheme} ${h.host}`);
  expect(await server('r.example:5000')).toEqual(['https r.example:5000']);
  const put = (name: string, text: string) => {
    mkdirSync(join(dir, name), { recursive: true });
    writeFileSync(join(dir, name, 'hosts.toml'), text);
  };
  put('_default', 'server = "https://default.example"');
  expect(await server('r.example:5000')).toEqual(['https default.example']);
  put('r.example:5000', 'server = "https://colon.example"');
  expect(await server('r.example:5000')).toEqual(['https colon.example']);
  put('r.example_5000_', 'server = "https://underscore.example"');
  expect(await server('r.example:5000')).toEqual(['https underscore.example']);
  put('broken.example', 'server = [');
  writeFileSync(join(dir, 'broken.example', 'a.crt'), 'CA');
  writeFileSync(join(dir, 'broken.example', 'me.cert'), 'CERT');
  writeFileSync(join(dir, 'broken.example', 'me.key'), 'KEY');
  writeFileSync(join(dir, 'broken.example', 'lonely.cert'), 'CERT');
  const [broken] = await hosts('broken.example');
  expect(broken?.tls).toEqual({ ca: ['CA'], clients: [{ cert: 'CERT', key: 'KEY' }], skipVerify: false });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toStartWith(join(dir, 'broken.example/hosts.toml: '));
  expect(await server('../../etc')).toEqual(['https ../../etc']);
});

test('the older mirror tables: endpoints in order, then the registry; credentials and certificates per host', async () => {
  writeFileSync(join(dir, 'ca'), 'CA');
  const hosts = hostsFromMirrors({
    mirrors: {
      'docker.io': { endpoint: ['https://m1.example', 'http://localhost:5000/sub/v2'] },
      '*': { endpoint: ['https://all.example'] },
    },
    configs: {
      'm1.example': { auth: { auth: Buffer.from('u:p:q').toString('base64') } },
      'registry-1.docker.io': { auth: { identitytoken: 'tok' }, tls: { ca_file: join(dir, 'ca') } },
      'all.example': { auth: { username: 'n', password: 's' }, tls: { insecure_skip_verify: true } },
    },
  });
  const brief = async (registry: string) =>
    (await hosts(registry)).map((h) => ({ at: `${h.scheme}://${h.host}${h.path}`, auth: h.credentials, tls: h.tls }));
  const tls = { ca: [], clients: [], skipVerify: false };
  expect(await brief('docker.io')).toEqual([
    { at: 'https://m1.example/v2', auth: { user: 'u', password: 'p:q' }, tls },
    { at: 'http://localhost:5000/sub/v2', auth: undefined, tls: { ...tls, skipVerify: true } },
    { at: 'https://registry-1.docker.io/v2', auth: { identityToken: 'tok' }, tls: { ...tls, ca: ['CA'] } },
  ]);
  expect((await brief('quay.example')).map((h) => h.at)).toEqual(['https://all.example/v2', 'https://quay.example/v2']);
});

function certificate(name: string, subject: string, options: { readonly ca?: string } = {}) {
  const [key, cert] = [join(dir, `${name}.key`), join(dir, `${name}.crt`)];
  const issuer =
    options.ca === undefined ? [] : ['-CA', join(dir, `${options.ca}.crt`), '-CAkey', join(dir, `${options.ca}.key`)];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
    ]
      .concat(['-subj', `/CN=${subject}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'])
      .concat(issuer),
    { stdio: 'ignore' },
  );
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

test('TLS: a private CA, a required client certificate, skip_verify, and a probe that finds TLS', async () => {
  const server = certificate('server', 'localhost');
  const client = certificate('client', 'me');
  await using registry = await FakeRegistry.start({
    tls: { ...server, ca: [client.cert], requestCert: true, rejectUnauthorized: true },
  });
  registry.manifest('a/b', 'v1', 'application/vnd.oci.image.manifest.v1+json', {});
  using http = new HttpClient({ dialTimeoutMs: 2000, responseTimeoutMs: 2000 });
  const tls = { ca: [server.cert], clients: [client], skipVerify: false };
  const resolve = (host: RegistryHost) =>
    new Repository({ registry: registry.host, path: 'a/b' }, [host], {
      http,
      userAgent: 'test',
      retry: { attempts: 2, baseDelayMs: 1, maxDelayMs: 1 },
      log: silent,
    })
      .resolve('v1', new AbortController().signal)
      .then(() => 'ok', classOf);
  const at = (more: Partial<RegistryHost>) => resolve(defaultHost(registry.host, { scheme: 'https', ...more }));
  expect(await at({ tls })).toBe('ok');
  expect(await at({ tls: { ...tls, ca: [] } })).toBe('unavailable');
  expect(await at({ tls: { ...tls, ca: [], skipVerify: true } })).toBe('ok');
  expect(await at({ tls: { ...tls, clients: [] } })).toBe('unavailable');
  expect(await at({ tls: { ...tls, ca: [], skipVerify: true }, scheme: 'probe' })).toBe('ok');
});

test('a wish for whatever a registry speaks finds TLS that nobody vouches for, and HTTP, and follows a redirect to TLS', async () => {
  const server = certificate('server', 'registry.example');
  await using secure = await FakeRegistry.start({ tls: server });
  await using plainly = await FakeRegistry.start();
  const wish = hostsFromDirectories([], { onProblem: () => {}, defaultScheme: 'probe' });
  using http = new HttpClient({ dialTimeoutMs: 2000, responseTimeoutMs: 2000 });
  const options = { http, userAgent: 'test', retry: { attempts: 1, baseDelayMs: 1, maxDelayMs: 1 }, log: silent };
  for (const registry of [secure, plainly]) {
    registry.manifest('a/b', 'v1', 'application/vnd.oci.image.manifest.v1+json', {});
    const repository = new Repository({ registry: registry.host, path: 'a/b' }, await wish(registry.host), options);
    expect((await repository.resolve('v1', new AbortController().signal)).size).toBeGreaterThan(0);
  }
  expect(await wish('registry.example')).toMatchObject([{ scheme: 'probe', tls: { skipVerify: true } }]);
  plainly.intercept = async (_, response) => {
    response.writeHead(301, { location: 'https://localhost:1/v2/' }).end();
    return true;
  };
  const moved = new Repository({ registry: plainly.host, path: 'a/b' }, await wish(plainly.host), options);
  // Over TLS from then on, which this one does not speak.
  await expect(moved.resolve('v1', new AbortController().signal)).rejects.toThrow(/unavailable|TLS|SSL|handshake/i);
});
