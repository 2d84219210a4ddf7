import { expect, test } from 'bun:test';
import { parseChallenges } from './challenge.ts';

const plain = (headers: string | string[]) =>
  parseChallenges(headers).map((c) => ({ scheme: c.scheme, parameters: { ...c.parameters } }));

test('a bearer challenge with a comma inside a quoted scope is one challenge', () => {
  expect(plain('Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"')).toEqual([
    {
      scheme: 'bearer',
      parameters: { realm: 'https://auth.example/token', service: 'reg', scope: 'repository:a/b:pull,push' },
    },
  ]);
});

test('several challenges in one header and in several headers are all found', () => {
  expect(plain('Negotiate, Basic realm="a, \\"b\\"", Bearer realm=x, service = y')).toEqual([
    { scheme: 'negotiate', parameters: {} },
    { scheme: 'basic', parameters: { realm: 'a, "b"' } },
    { scheme: 'bearer', parameters: { realm: 'x', service: 'y' } },
  ]);
  expect(plain(['Basic realm="a"', 'BEARER REALM="b"']).map((c) => c.scheme)).toEqual(['basic', 'bearer']);
});

test('a token68 challenge has no parameters', () => {
  expect(plain('Negotiate YWJj==, Basic realm="r"')).toEqual([
    { scheme: 'negotiate', parameters: {} },
    { scheme: 'basic', parameters: { realm: 'r' } },
  ]);
});

test('broken headers give what can be read, and end', () => {
  expect(plain('')).toEqual([]);
  expect(plain(',,, ,')).toEqual([]);
  expect(plain('Bearer realm="open')).toEqual([{ scheme: 'bearer', parameters: { realm: 'open' } }]);
  expect(plain('Bearer ="x"')).toEqual([{ scheme: 'bearer', parameters: {} }]);
  expect(plain('"quoted" Basic')).toEqual([]);
  expect(plain('Bearer __proto__="x"')[0]?.scheme).toBe('bearer');
  const long = `Bearer ${'a=b,'.repeat(100_000)}`;
  expect(plain(long).length).toBeGreaterThan(0);
});

test('the first of two equal parameters counts', () => {
  expect(plain('Bearer realm="a",realm="b"')).toEqual([{ scheme: 'bearer', parameters: { realm: 'a' } }]);
});
