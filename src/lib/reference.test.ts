import { expect, test } from 'bun:test';
import { classOf } from '#base/errors';
import { familiarName, familiarString, parseDockerReference, withDefaultTag } from './docker-reference.ts';
import { formatReference, isHost, objectOf, parseReference } from './reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test('references are read in all their parts', () => {
  const table: [string, object][] = [
    ['docker.io/library/busybox:latest', { host: 'docker.io', repository: 'library/busybox', tag: 'latest' }],
    [`docker.io/library/x:tag@${digest}`, { host: 'docker.io', repository: 'library/x', tag: 'tag', digest }],
    [`localhost:5000/x@${digest}`, { host: 'localhost:5000', repository: 'x', digest }],
    ['[::1]:5000/a/b/c:1.0-rc_1', { host: '[::1]:5000', repository: 'a/b/c', tag: '1.0-rc_1' }],
    ['Registry.example/X/y', { host: 'Registry.example', repository: 'X/y' }],
    ['busybox', { host: 'busybox', repository: '' }],
  ];
  for (const [text, wanted] of table) {
    expect(parseReference(text)).toEqual(wanted as never);
    expect(formatReference(parseReference(text))).toBe(text);
  }
});

test('what cannot be asked of a registry is refused', () => {
  const table: [string, string][] = [
    ['', 'hostname required'],
    ['/x:y', 'hostname required'],
    ['http://localhost/x:y', 'scheme'],
    ['busybox:latest', 'invalid host'],
    ['u:p@localhost:1/x:y', 'invalid host'],
    ['localhost:x/y:z', 'invalid host'],
    ['localhost:/y:z', 'invalid host'],
    ['localhost:99999/x:y', 'invalid host'],
    ['local host/x:y', 'invalid host'],
    ['[::1/x:y', 'invalid host'],
    ['a%20b/x:y', 'invalid host'],
    ['../x:y', 'invalid host'],
    ['localhost:1/', 'object required'],
    ['localhost:1/:y', 'repository required'],
    [`localhost:1/@${digest}`, 'repository required'],
    ['localhost:1//x:y', 'invalid repository'],
    ['localhost:1/x/../y:z', 'invalid repository'],
    ['localhost:1/../x:y', 'invalid repository'],
    ['localhost:1/x/:y', 'invalid repository'],
    ['localhost:1/x?a=b:y', 'invalid repository'],
    ['localhost:1/x#a:y', 'invalid repository'],
    ['localhost:1/x%2f:y', 'invalid repository'],
    ['localhost:1/a b:c', 'invalid repository'],
    ['localhost:1/a\nb:c', 'invalid repository'],
    ['localhost:1/é:c', 'invalid repository'],
    ['localhost:1/x:', 'object required'],
    ['localhost:1/x:-a', 'invalid tag'],
    ['localhost:1/x:a/b', 'invalid tag'],
    ['localhost:1/x:y:z', 'invalid tag'],
    [`localhost:1/x:${'a'.repeat(129)}`, 'invalid tag'],
    ['localhost:1/x@', 'invalid checksum digest format'],
    ['localhost:1/x@sha256:ab', 'invalid checksum digest length'],
    ['localhost:1/x:y@sha256:ab', 'invalid checksum digest length'],
    [`localhost:1/x:y@${digest}@${digest}`, 'invalid checksum digest length'],
    [`localhost/${'x/'.repeat(1_000_000)}y`, 'longer than 1024 characters'],
  ];
  for (const [text, wanted] of table) {
    try {
      const reference = parseReference(text);
      objectOf(reference);
      throw new Error(`no error for ${text}`);
    } catch (thrown) {
      expect([text.slice(0, 99), classOf(thrown), (thrown as Error).message.includes(wanted)]).toEqual([
        text.slice(0, 99),
        'invalid_argument',
        true,
      ]);
    }
  }
});

test('the digest is asked for before the tag, and one of them must be there', () => {
  expect(objectOf(parseReference('h/x:tag'))).toBe('tag');
  expect(objectOf(parseReference(`h/x:tag@${digest}`))).toBe(digest);
  expect(() => objectOf(parseReference('h/x'))).toThrow('reference "h/x": object required: invalid argument');
});

test('hosts', () => {
  for (const host of ['a', 'a.b', 'a-b.c:1', '10.0.0.1:65535', '[fe80::1]', 'my_registry'])
    expect([host, isHost(host)]).toEqual([host, true]);
  for (const host of ['', '-a', 'a-', 'a:0', 'a:65536', 'a:b', '[::1', '::1', 'a/b', 'a b', 'é', 'x'.repeat(300)])
    expect([host, isHost(host)]).toEqual([host, false]);
});

test('short names are filled in as docker does, and shortened again', () => {
  const table: [string, string, string][] = [
    ['busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
    ['user/app', 'docker.io/user/app:latest', 'user/app:latest'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['index.docker.io/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['docker.io/library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
    ['localhost/x', 'localhost/x:latest', 'localhost/x:latest'],
    ['localhost:5000/x/y:z', 'localhost:5000/x/y:z', 'localhost:5000/x/y:z'],
    ['ghcr.io/a/b', 'ghcr.io/a/b:latest', 'ghcr.io/a/b:latest'],
    ['HOST/x', 'HOST/x:latest', 'HOST/x:latest'],
    ['a.b', 'docker.io/library/a.b:latest', 'a.b:latest'],
    ['x:5000', 'docker.io/library/x:5000', 'x:5000'],
    ['a__b-c--d/f_g', 'docker.io/a__b-c--d/f_g:latest', 'a__b-c--d/f_g:latest'],
    [`busybox@${digest}`, `docker.io/library/busybox@${digest}`, `busybox@${digest}`],
    [`busybox:1@${digest}`, `docker.io/library/busybox:1@${digest}`, `busybox:1@${digest}`],
  ];
  for (const [text, full, familiar] of table) {
    const reference = withDefaultTag(parseDockerReference(text));
    expect([text, formatReference(reference), familiarString(reference)]).toEqual([text, full, familiar]);
    expect(parseReference(full)).toEqual(reference);
  }
  expect(familiarName(parseDockerReference('docker.io/library/busybox:1'))).toBe('busybox');
  expect(parseDockerReference('busybox').tag).toBeUndefined();
});

test('what docker refuses is refused', () => {
  const table: [string, string][] = [
    ['', 'at least one component'],
    ['Busybox', 'must be lowercase'],
    ['docker.io/A', 'must be lowercase'],
    ['a'.repeat(64), 'cannot specify 64-byte hexadecimal strings'],
    ['-a', 'invalid reference format'],
    ['a..b', 'invalid reference format'],
    ['a___b', 'invalid reference format'],
    ['a/', 'invalid reference format'],
    ['/a', 'invalid reference format'],
    ['a//b', 'invalid reference format'],
    ['a b', 'invalid reference format'],
    ['a:', 'invalid reference format'],
    ['a:-b', 'invalid reference format'],
    ['a:b:c', 'invalid reference format'],
    ['http://x/y', 'invalid reference format'],
    ['x.y:z/a', 'invalid reference format'],
    ['a@sha256:1', 'invalid checksum digest length'],
    ['x/'.repeat(200), 'invalid reference format'],
    [`${'x/'.repeat(130)}y`, 'must not be more than 255 characters'],
    ['x'.repeat(1_000_000), 'longer than 1024 characters'],
  ];
  for (const [text, wanted] of table) {
    expect(() => parseDockerReference(text)).toThrow(wanted);
  }
});

test('a name made to take a backtracking matcher for ever takes no time', () => {
  const start = performance.now();
  for (const text of [`${'a-'.repeat(500)}!`, `${'a'.repeat(1000)}!`, `${'a_'.repeat(500)}!`, `${'-'.repeat(1000)}a`]) {
    expect(() => parseDockerReference(text)).toThrow('invalid argument');
  }
  expect(performance.now() - start).toBeLessThan(10_000);
});

test('an error about a name of a thousand characters that are written as six is no longer than what a trailer holds', () => {
  const text = `host/${'\u0001'.repeat(1000)}`;
  for (const parse of [parseReference, parseDockerReference]) {
    expect(() => parse(text)).toThrow('invalid argument');
    expect(() => parse(text)).not.toThrow(/[\s\S]{6000}/);
  }
});
