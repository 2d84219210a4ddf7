import { expect, test } from 'bun:test';
import { parseAddress } from './address.ts';

test('addresses are read in all their spellings', () => {
  const unix = { kind: 'unix', path: '/run/containerd/containerd.sock' } as const;
  for (const prefix of ['', 'unix:', 'unix://']) expect(parseAddress(`${prefix}${unix.path}`)).toEqual(unix);
  expect(parseAddress('tcp://localhost:8080')).toEqual({ kind: 'tcp', host: 'localhost', port: 8080 });
  expect(parseAddress('[::1]:0')).toEqual({ kind: 'tcp', host: '[::1]', port: 0 });
});

test('what is no address is refused', () => {
  const bad = [
    '',
    'unix:',
    'unix:relative',
    'run/x.sock',
    'tcp://host',
    'host:99999',
    'host:port',
    'http://h:1',
    '/a\0b',
  ];
  for (const text of [...bad, `/${'x'.repeat(107)}`]) expect(() => parseAddress(text)).toThrow('invalid argument');
});
