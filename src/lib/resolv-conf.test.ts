import { expect, test } from 'bun:test';
import { formatResolvConf, isLoopback, parseResolvConf } from './resolv-conf.ts';

test('what resolvers read is read, and written', () => {
  const text =
    '# x\nnameserver 10.0.0.1 # y\nsearch a b\ndomain c\nnameserver fe80::1%eth0\noptions ndots:2 rotate\nbad\n';
  const read = parseResolvConf(text);
  expect(read).toEqual({ servers: ['10.0.0.1', 'fe80::1%eth0'], search: ['c'], options: ['ndots:2', 'rotate'] });
  expect(parseResolvConf(formatResolvConf(read))).toEqual(read);
  expect(formatResolvConf({ servers: [], search: [], options: [] })).toBe('');
});

test("the machine's own servers are known", () => {
  expect(['127.0.0.53', '::1', '10.0.0.1'].map(isLoopback)).toEqual([true, true, false]);
});
