import { expect, test } from 'bun:test';
import { formatLogUri, parseLogUri } from './log-uri.ts';

test('what is formatted is read again, whatever the values hold', () => {
  const uri = {
    driver: 'json-file',
    attach: '/run/a b/s.sock',
    options: { path: '/var/lib/x&y=z?.log', 'max-size': '10485760', tag: '100 % {{.Name}}\n' },
  };
  expect(parseLogUri(formatLogUri(uri))).toEqual(uri);
  expect(parseLogUri('log://none')).toEqual({ driver: 'none', attach: '', options: {} });
});

test('another scheme, and a driver with other letters, are refused', () => {
  for (const bad of ['file:///x', 'log://', 'log:///x', 'log://a/b', ''])
    expect(() => parseLogUri(bad)).toThrow('is no log URI');
});
