import { afterEach, beforeEach, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { FakeRegistry } from '#test/support/fake-registry';
import { HttpClient } from './http.ts';

const signal = new AbortController().signal;
let open: AsyncDisposableStack;
beforeEach(() => {
  open = new AsyncDisposableStack();
});
afterEach(() => open.disposeAsync());

/** A proxy that leads every tunnel to `target` and answers plain requests itself; it tells what it was asked. */
async function startProxy(target: string) {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization']}`);
    response.end('from the proxy');
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization']}`);
    const [host = '', port = ''] = target.split(':');
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [upstream, socket]) end.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://u:p@127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const text = async (client: HttpClient, url: string) => {
  const response = await client.send({ method: 'GET', url: new URL(url), headers: {}, signal });
  return (await response.bytes(1000)).toString();
};

test('requests go through the proxies of the environment, but not those to this machine or to exceptions', async () => {
  const dir = mkdtempSync('/tmp/berth-proxy-');
  open.defer(() => rmSync(dir, { recursive: true, force: true }));
  const args = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=registry.test'.split(
    ' ',
  );
  const [keyFile, certFile] = [join(dir, 'key'), join(dir, 'cert')];
  const names = ['-addext', 'subjectAltName=DNS:registry.test', '-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', [...args, ...names], { stdio: 'ignore' });
  const cert = readFileSync(certFile, 'utf8');
  const registry = open.use(await FakeRegistry.start({ tls: { key: readFileSync(keyFile), cert } }));
  registry.intercept = (_request, response) => {
    response.end('from the registry');
    return true;
  };
  const proxy = await startProxy(registry.host);
  const settings = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: 'skip.invalid' };
  const client = open.use(new HttpClient({ proxy: settings, roots: [cert], dialTimeoutMs: 2000 }));
  expect(await text(client, 'http://registry.test/v2/')).toBe('from the proxy');
  expect(await text(client, 'https://registry.test/v2/')).toBe('from the registry');
  const plain = open.use(await FakeRegistry.start());
  expect(await text(client, `${plain.url}/v2/`)).toBe('');
  const skipped = await text(client, 'http://skip.invalid/').then(
    () => 'answered',
    (error: Error) => error.message,
  );
  expect(skipped).toStartWith('GET "http://skip.invalid/"');
  const credentials = `Basic ${Buffer.from('u:p').toString('base64')}`;
  expect(proxy.asked).toEqual([
    `GET http://registry.test/v2/ ${credentials}`,
    `CONNECT registry.test:443 ${credentials}`,
  ]);
});
