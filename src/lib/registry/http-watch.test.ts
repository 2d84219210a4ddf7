import { expect, test } from 'bun:test';
import { WatchedExchange } from './http-watch.ts';

test('what proves who asks is not told: headers, queries, and where an answer leads', () => {
  const said: string[] = [];
  const watch = { dump: true, trace: true, say: (text: string) => void said.push(text) };
  const url = new URL('https://registry.test/v2/x/blobs/uploads/?sig=hidden');
  const exchange = new WatchedExchange(watch, 'GET', url);
  exchange.request('GET', url, { authorization: 'Bearer hidden', accept: '*/*' }, undefined);
  exchange.response(307, 'Temporary Redirect', {
    location: 'https://store.test/blob?X-Amz-Signature=hidden',
    'set-cookie': ['hidden'],
  });
  exchange.end();
  const text = said.join('');
  expect(text).not.toContain('hidden');
  expect(text).toContain('location: https://store.test/blob?…\n');
  expect(text).toContain('accept: */*\n');
});
