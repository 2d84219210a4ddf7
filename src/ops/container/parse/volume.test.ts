import { expect, test } from 'bun:test';
import { messageOf } from '#base/errors';
import { parseMount } from './mount.ts';
import { parseTmpfs, parseVolume, parseVolumesFrom } from './volume.ts';

const said = (read: () => unknown): string => {
  try {
    read();
  } catch (thrown) {
    return messageOf(thrown);
  }
  return 'nothing';
};

test('what -v means', () => {
  const read = (text: string) => parseVolume(text, '/here');
  expect(read('/data')).toEqual({ type: 'volume', source: '', target: '/data', bind: '/data' });
  expect(read('name:/data')).toMatchObject({ type: 'volume', source: 'name', target: '/data' });
  expect(read('./x:/data:ro,rslave')).toMatchObject({
    type: 'bind',
    source: '/here/x',
    readOnly: true,
    propagation: 'rslave',
    createSource: true,
  });
  expect(read('/a/../b/:/data/:rro')).toMatchObject({
    source: '/b',
    target: '/data',
    readOnly: true,
    readOnlyBelow: 'must',
  });
  expect(read('name:/data:nocopy,z')).toMatchObject({ noCopy: true });
  expect(read('/a:/b:bind,rw,cached')).toMatchObject({ nonRecursive: true });
  for (const [text, words] of [
    ['', 'invalid empty volume spec'],
    ['/a:/b:/c:/d', 'invalid spec: /a:/b:/c:/d: too many colons'],
    [':/x', 'invalid spec: :/x: empty section between colons'],
    ['/a:', 'invalid spec: /a:: empty section between colons'],
    ['aa:/b:c', 'invalid mode: c'],
    ['aa:/b:ro,rw', 'invalid mode: ro,rw'],
    ['aa:/b:rslave', 'invalid mode: rslave'],
    ['/a:/b:nocopy', 'invalid mode: nocopy'],
    [
      'a$:/b',
      'create a$: "a$" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
    ],
    ['aa:/', "invalid volume specification: 'aa:/': invalid mount config: destination can't be '/'"],
    ['aa:rel', "invalid volume specification: 'aa:rel': invalid mount path: 'rel' mount path must be absolute"],
    [`${'x'.repeat(300)}:/b`, 'create xxxx'],
  ] as const)
    expect([text, said(() => read(text)).slice(0, words.length)]).toEqual([text, words]);
});

test('what --mount means', () => {
  expect(parseMount('type=bind,src=/a,dst=/b,ro,bind-propagation=rslave')).toEqual({
    volume: { type: 'bind', source: '/a', target: '/b', readOnly: true, propagation: 'rslave' },
  });
  expect(parseMount('dst=/b')).toEqual({ volume: { type: 'volume', source: '', target: '/b' } });
  expect(
    parseMount(
      '"type=volume","src=data",target=/b,volume-nocopy,volume-label=a=b,"volume-opt=o=x,y",volume-subpath=c/d',
    ),
  ).toEqual({
    volume: {
      type: 'volume',
      source: 'data',
      target: '/b',
      noCopy: true,
      subpath: 'c/d',
      labels: { a: 'b' },
      driverOptions: { o: 'x,y' },
    },
  });
  expect(parseMount('type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770')).toEqual({
    tmpfs: { target: '/t', options: ['size=1048576', 'mode=1770'], isMount: true },
  });
  expect(parseMount('type=image,src=box,dst=/i,image-subpath=a')).toEqual({
    volume: { type: 'image', source: 'box', target: '/i', readOnly: true, subpath: 'a' },
  });
  for (const [text, words] of [
    ['', 'EOF'],
    ['type=bind', 'target is required'],
    ['x=y,dst=/x', "unexpected key 'x' in 'x=y'"],
    ['type=foo,dst=/x', 'invalid mount config for type "foo": mount type unknown'],
    ['dst=/x,ro=maybe', 'invalid value for ro: maybe'],
    ['dst=/x,foo', "invalid field 'foo' must be a key=value pair"],
    ['type=tmpfs,src=/x,dst=/y', 'invalid mount config for type "tmpfs": field Source must not be specified'],
    ['type=bind,dst=/x,volume-nocopy', "cannot mix 'volume-*' options with mount type 'bind'"],
    ['type=tmpfs,dst=/x,tmpfs-size=abc', 'invalid value for tmpfs-size: abc'],
    ['type=tmpfs,dst=/x,tmpfs-mode=999', 'invalid value for tmpfs-mode: 999'],
    [
      'type=bind,src=rel,dst=/x',
      'invalid mount config for type "bind": invalid mount path: \'rel\' mount path must be absolute',
    ],
    ['type=image,dst=/x', 'invalid mount config for type "image": field Source must not be empty'],
    [
      'type=bind,src=/a,dst=/b,bind-recursive=foo',
      'invalid value for bind-recursive: foo (must be "enabled", "disabled", "writable", or "readonly")',
    ],
    ['dst=rel', 'invalid mount config for type "volume": invalid mount path: \'rel\' mount path must be absolute'],
    [
      'src=aa,dst=/b,volume-subpath=../x',
      'invalid mount config for type "volume": subpath must be a relative path within the volume',
    ],
  ] as const)
    expect([text, said(() => parseMount(text)).slice(0, words.length)]).toEqual([text, words]);
});

test("file systems in memory, and others' volumes", () => {
  expect(parseTmpfs('/t:size=5m,exec')).toEqual({ target: '/t', options: ['size=5m', 'exec'] });
  expect(said(() => parseTmpfs('x'))).toContain("invalid mount path: 'x' mount path must be absolute");
  expect(said(() => parseTmpfs('/x:foo'))).toContain('invalid tmpfs option ["foo"]');
  expect(parseVolumesFrom('web:ro')).toEqual({ container: 'web', mode: 'ro' });
  expect(said(() => parseVolumesFrom('x:foo'))).toContain('invalid mode: foo');
});
