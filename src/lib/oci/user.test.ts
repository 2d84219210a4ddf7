import { expect, test } from 'bun:test';
import { classOf, invalidArgument, messageOf } from '#base/errors';
import { maxAccountBytes, type ReadAccounts, resolveUser } from './user.ts';

const passwd = `root:x:0:0:root:/root:/bin/sh
bob:x:1000:1000::/home/bob:/bin/sh
alice:x:1001:100:,,,:/:/bin/sh

nonsense
1234abc:x:77:77::/:
`;
const group = `root:x:0:
users:x:100:
bob:x:1000:
audio:x:29:bob,root
staff:x:50:bob,alice
staff2:x:50:bob
empty:x:60
`;

const files =
  (contents: { passwd?: string | undefined; group?: string | undefined }): ReadAccounts =>
  async (path) => {
    const text = path === '/etc/passwd' ? contents.passwd : contents.group;
    return text === undefined ? undefined : Buffer.from(text);
  };
const image = files({ passwd, group });

async function failure(text: string, read: ReadAccounts = image): Promise<string> {
  try {
    return JSON.stringify(await resolveUser(text, read));
  } catch (thrown) {
    expect(['invalid_argument', 'resource_exhausted']).toContain(classOf(thrown));
    return messageOf(thrown);
  }
}

test("names and numbers are resolved in the image's own files", async () => {
  const table: [string, number, number, number[]][] = [
    ['', 0, 0, [0, 29]],
    ['root', 0, 0, [0, 29]],
    ['bob', 1000, 1000, [1000, 29, 50]],
    ['1000', 1000, 1000, [1000, 29, 50]],
    ['alice', 1001, 100, [100, 50]],
    ['1234abc', 77, 77, [77]],
    ['bob:audio', 1000, 29, [29, 50]],
    ['1000:29', 1000, 29, [29, 50]],
    ['bob:0', 1000, 0, [0, 29, 50]],
    ['5000', 5000, 0, [0]],
    ['5000:bob', 5000, 1000, [1000]],
    ['5000:6000', 5000, 6000, [6000]],
    [':29', 0, 29, [29]],
    ['bob:', 1000, 1000, [1000, 29, 50]],
    ['2147483647:2147483647', 2147483647, 2147483647, [2147483647]],
  ];
  for (const [text, uid, gid, additionalGids] of table) {
    expect([text, await resolveUser(text, image)]).toEqual([text, { uid, gid, additionalGids }]);
  }
});

test('CVE-2023-25173: the primary group is always among the supplementary ones', async () => {
  for (const text of ['bob', 'alice', '5000', 'bob:audio', '5000:6000', '']) {
    const user = await resolveUser(text, image);
    expect(user.additionalGids).toContain(user.gid);
  }
});

test('CVE-2024-40635: a number beyond 2³¹-1 is an error and wraps to nobody', async () => {
  for (const id of [
    '2147483648',
    '4294967295',
    '4294967296',
    '4294968296',
    '18446744073709551616',
    `1${'0'.repeat(1000)}`,
  ]) {
    expect(await failure(id)).toContain('out of range 0 to 2147483647: invalid argument');
    expect(await failure(`0:${id}`)).toContain('out of range 0 to 2147483647: invalid argument');
  }
});

test('CVE-2026-46680: what looks like a number is never looked up as a name', async () => {
  const tricky = files({
    passwd: '4294967296:x:0:0::/:\n-1:x:0:0::/:\n+5:x:0:0::/:\n1000:x:0:0::/:\n',
    group: '4294967296:x:0:\n',
  });
  for (const text of ['4294967296', '-1', '+5', '5:4294967296', '5:-1'])
    expect(await failure(text, tricky)).toContain('out of range');
  expect(await resolveUser('1000', tricky)).toEqual({ uid: 1000, gid: 0, additionalGids: [0] });
});

test('CVE-2026-47262: account files are bounded', async () => {
  let asked = 0;
  const huge: ReadAccounts = async (_, maxBytes) => {
    asked = maxBytes;
    return new Uint8Array(maxBytes + 1);
  };
  expect(await failure('bob', huge)).toBe(`/etc/passwd: more than ${maxAccountBytes} bytes: invalid argument`);
  expect(asked).toBe(1 << 20);
  const groups = files({ passwd, group: Array.from({ length: 40_000 }, (_, i) => `g:x:${i}:bob`).join('\n') });
  expect((await resolveUser('bob', groups)).additionalGids?.length).toBe(40_000);
  const many = files({ passwd, group: Array.from({ length: 66_000 }, (_, i) => `:x:${i}:b`).join('\n') });
  expect(await failure('b', files({ passwd: 'b:x:1:1', group: undefined }))).toContain('"uid":1');
  const start = performance.now();
  expect(
    await failure('b', async (path) => (path === '/etc/passwd' ? Buffer.from('b:x:1:1') : await many(path, 0))),
  ).toContain('resource exhausted');
  expect(performance.now() - start).toBeLessThan(20_000);
});

test('CVE-2026-47262: what the reader refuses (a device, a link out) is passed on', async () => {
  const refused: ReadAccounts = async () => {
    throw invalidArgument('/etc/passwd: not a regular file');
  };
  expect(await failure('bob', refused)).toBe('/etc/passwd: not a regular file: invalid argument');
});

test('a user or group that is not there is an error, not root', async () => {
  expect(await failure('nobody')).toBe('USER "nobody": no users found: invalid argument');
  expect(await failure('bob:nogroup')).toBe('group "nogroup": no groups found: invalid argument');
  expect(await failure('1:2:3')).toBe('invalid USER value 1:2:3: invalid argument');
  expect(await failure('bob', files({}))).toContain('no users found');
  expect(await resolveUser('', files({}))).toEqual({ uid: 0, gid: 0, additionalGids: [0] });
  expect(await resolveUser('7:8', files({}))).toEqual({ uid: 7, gid: 8, additionalGids: [8] });
});

test('a broken line does not make its user root', async () => {
  for (const line of [
    'bob:x::1000::/:',
    'bob:x:abc:0::/:',
    'bob:x:-1:0::/:',
    'bob:x:99999999999:0::/:',
    'bob:x:1000:::/:',
    'bob:x:1e3:0::/:',
    'bob:x:0x10:0::/:',
  ]) {
    expect(await failure('bob', files({ passwd: line, group }))).toContain('/etc/passwd: "bob" has id');
  }
  expect(await failure('5:adm', files({ passwd, group: 'adm:x:x:' }))).toContain('/etc/group: "adm" has id "x"');
  expect(await failure('bob', files({ passwd: 'bob:x\nbob', group }))).toContain('no users found');
});

test('lines with carriage returns, spaces and bytes that are no text are read', async () => {
  const dos = files({ passwd: ' bob:x:5:6::/:\r\n', group: 'g:x:7:bob\r\n\xff\xfe:x:9:bob' });
  expect(await resolveUser('bob', dos)).toEqual({ uid: 5, gid: 6, additionalGids: [6, 7, 9] });
});
