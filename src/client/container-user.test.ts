import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultOf } from '#core/subject';
import { makeFifo } from '#sys/fifo';
import { userInRoot } from './container-user.ts';

let directory: string;
let root: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-user-'));
  root = join(directory, 'root');
  mkdirSync(root);
  // What a link out of the root would find.
  mkdirSync(join(directory, 'etc'));
  writeFileSync(join(directory, 'etc/passwd'), 'app:x:666:666::/:/bin/sh\n');
});
afterEach(() => rmSync(directory, { recursive: true }));

const passwd = 'root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\n';
function etc(passwdText: string, group = ''): void {
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/passwd'), passwdText);
  writeFileSync(join(root, 'etc/group'), group);
}

test("users are those of the root's own files", async () => {
  etc(passwd, 'staff:x:50:other,app\nnone:x:51:\n');
  expect(await userInRoot(root, 'app')).toEqual({ uid: 1000, gid: 1001, additionalGids: [1001, 50] });
  expect(await userInRoot(root, 'app:staff')).toMatchObject({ uid: 1000, gid: 50 });
  expect(await userInRoot(root, '')).toMatchObject({ uid: 0, gid: 0 });
  expect(await faultOf(userInRoot(root, 'nobody'))).toBe('invalid_argument');
});

test('a root without account files knows numbers only', async () => {
  expect(await userInRoot(root, '12:34')).toMatchObject({ uid: 12, gid: 34 });
  expect(await faultOf(userInRoot(root, 'app'))).toBe('invalid_argument');
});

const links: Readonly<Record<string, (target: string) => void>> = {
  'an absolute link to a file outside': () => {
    mkdirSync(join(root, 'etc'));
    symlinkSync(join(directory, 'etc/passwd'), join(root, 'etc/passwd'));
  },
  'a relative link to a file outside': () => {
    mkdirSync(join(root, 'etc'));
    symlinkSync('../../../../../etc/passwd', join(root, 'etc/passwd'));
  },
  'an /etc that leads outside': () => symlinkSync('../etc', join(root, 'etc')),
  'an /etc that leads to the process': () => symlinkSync('/proc/self/root/etc', join(root, 'etc')),
};
for (const [what, make] of Object.entries(links))
  test(`${what} is not followed`, async () => {
    make(directory);
    const fault = await faultOf(userInRoot(root, 'app'));
    expect(fault).not.toBe('none');
  });

test('links that stay inside are followed', async () => {
  mkdirSync(join(root, 'usr/etc'), { recursive: true });
  writeFileSync(join(root, 'usr/etc/passwd'), passwd);
  symlinkSync('/usr/etc', join(root, 'etc'));
  expect(await userInRoot(root, 'app')).toMatchObject({ uid: 1000 });
});

test('links in a circle are an error, not a wait', async () => {
  mkdirSync(join(root, 'etc'));
  symlinkSync('passwd', join(root, 'etc/passwd'));
  expect(await faultOf(userInRoot(root, 'app'))).not.toBe('none');
});

test('what is no regular file is refused at once: a fifo, a directory', async () => {
  mkdirSync(join(root, 'etc'));
  makeFifo(join(root, 'etc/passwd'));
  expect(await faultOf(userInRoot(root, 'app'))).toBe('invalid_argument');
  expect(await faultOf(userInRoot(root, '0'))).toBe('invalid_argument');
  rmSync(join(root, 'etc/passwd'));
  mkdirSync(join(root, 'etc/passwd'));
  expect(await faultOf(userInRoot(root, 'app'))).toBe('invalid_argument');
});

test('files beyond a megabyte are refused, as are numbers beyond what programs hold', async () => {
  etc(`${passwd}${'#'.repeat(1 << 20)}\n`);
  expect(await faultOf(userInRoot(root, 'app'))).toBe('invalid_argument');
  writeFileSync(join(root, 'etc/passwd'), 'app:x:4294967296:0::/:/bin/sh\nbad:x:-1:0::/:/bin/sh\n');
  for (const user of ['app', 'bad', '4294967296', '-1', '2147483648'])
    expect([user, await faultOf(userInRoot(root, user))]).toEqual([user, 'invalid_argument']);
});
