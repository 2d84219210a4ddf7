import { resolveUser } from '#lib/oci/user';
import { acceptedLater, type FuzzTarget, holds, textOf } from '../target.ts';

const maxId = 2 ** 31 - 1;

/**
 * An image's USER with its passwd and group: the first line of the input is the user, a line of dashes parts the files. Whoever comes out has ids
 * that can be had, his own group among the others, and is root only where the files or a 0 say so.
 */
export const accounts: FuzzTarget = {
  name: 'accounts',
  words: [
    'root:x:0:0:',
    'app:x:1000:1000:',
    '\n',
    ':',
    '\n--\n',
    '4294967296',
    '-1',
    '+0',
    ' 0',
    '2147483648',
    'app,root',
    '\r\n',
    '\0',
  ],
  async run(bytes) {
    const [user = '', ...rest] = textOf(bytes).split('\n');
    const [passwd = '', group = ''] = rest.join('\n').split('\n--\n');
    const read = async (path: string) => Buffer.from(path === '/etc/passwd' ? passwd : group);
    const found = await acceptedLater(() => resolveUser(user, read), 'invalid_argument', 'resource_exhausted');
    if (found === undefined) return;
    const { uid, gid, additionalGids = [] } = found;
    for (const id of [uid, gid, ...additionalGids])
      holds(`an id: ${id}`, Number.isInteger(id) && id >= 0 && id <= maxId);
    holds('the primary group is among the groups', additionalGids.includes(gid));
    holds('each group once', new Set(additionalGids).size === additionalGids.length);
    const [name = ''] = user.split(':');
    if (uid === 0) holds('root by right', name === '' || /^0+$/.test(name) || hasZero(passwd, name));
    if (/^[+-]?\d+$/.test(name)) holds('a number is itself', Number(name) === uid);
  },
};

const hasZero = (passwd: string, name: string): boolean =>
  passwd.split('\n').some((line) => {
    const fields = line.trim().split(':');
    return fields[0] === name && /^0+$/.test(fields[2] ?? '');
  });
