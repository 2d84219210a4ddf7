import { expect, test } from 'bun:test';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpClient } from './http.ts';

/** What a watch hears of one exchange with a server that answers so. */
async function heard(
  watch: { readonly dump: boolean; readonly trace: boolean },
  path: string,
  answer: { readonly type: string; readonly body: string },
): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', answer.type);
    response.setHeader('set-cookie', ['session=geheim']);
    response.end(answer.body);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  let said = '';
  try {
    using http = new HttpClient({ watch: { ...watch, say: (text) => (said += text) } });
    const response = await http.send({
      method: 'POST',
      url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`),
      headers: { authorization: 'Bearer geheim', 'content-type': 'application/json' },
      body: Buffer.from('{"password":1}'),
      signal: new AbortController().signal,
    });
    await response.bytes(1 << 20);
  } finally {
    server.close();
  }
  return said;
}

test('a dump has headers and texts of both sides, without what proves who asks', async () => {
  const said = await heard({ dump: true, trace: false }, '/v2/x?sig=geheim', {
    type: 'application/json',
    body: '{"a":1}',
  });
  expect(said).toMatch(/^POST \/v2\/x\?… HTTP\/1\.1\nhost: 127\.0\.0\.1:\d+\nauthorization: …\n/);
  expect(said).toContain('\n\n{"password":1}\n');
  expect(said).toContain('\nHTTP/1.1 200 OK\n');
  expect(said).toEndWith('\n{"a":1}\n\n');
  expect(said).toContain('set-cookie: …');
  expect(said).not.toContain('geheim');
});

test('tokens and what is no text are counted only', async () => {
  const token = await heard({ dump: true, trace: false }, '/token', {
    type: 'application/json',
    body: '{"token":"geheim"}',
  });
  expect(token).toContain('(18 bytes)');
  expect(token).not.toMatch(/geheim|password/);
  const blob = await heard({ dump: true, trace: false }, '/blob', {
    type: 'application/octet-stream',
    body: 'x'.repeat(100),
  });
  expect(blob).toEndWith('\n(100 bytes)\n\n');
});

test('a trace tells when what happened, once', async () => {
  const said = await heard({ dump: false, trace: true }, '/v2/x', { type: 'text/plain', body: 'hello' });
  expect(said.replace(/\([\d.]+ ms\)/g, '(t)').replace(/:\d+\//g, ':1/')).toBe(
    ['connected to 127.0.0.1', 'answered 200', '5 bytes read']
      .map((what) => `POST http://127.0.0.1:1/v2/x: ${what} (t)\n`)
      .join(''),
  );
});
