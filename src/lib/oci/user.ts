import { fault, invalidArgument } from '#base/errors';
import type { User } from './spec/spec.ts';

/**
 * Reads one of the image's own account files, confined to the image and only when it is a regular file; at most `maxBytes` + 1 bytes of it.
 * Undefined when it is not there.
 */
export type ReadAccounts = (path: '/etc/passwd' | '/etc/group', maxBytes: number) => Promise<Uint8Array | undefined>;

/** No honest account file is longer. */
export const maxAccountBytes = 1 << 20;

/**
 * Resolves an image's USER (`name`, `uid`, `name:group`, `uid:gid`; empty for root) in the image's own files. The supplementary groups are
 * those that list the user, and always the primary one. A number is never taken for a name.
 *
 * @throws invalid_argument for a user or group that is not there, a number beyond 2³¹-1 (or a line that has one), and files beyond 1 MiB;
 * what the reader throws.
 */
export async function resolveUser(text: string, read: ReadAccounts): Promise<User> {
  const [user, group, ...rest] = text.split(':') as [string, string?, string?];
  if (rest.length > 0) throw invalidArgument(`invalid USER value ${text.slice(0, maxShown)}`);
  const passwd = await readLines('/etc/passwd', read);
  const account = findAccount(user, passwd);
  const groups = await readLines('/etc/group', read);
  const gid = group === undefined || group === '' ? account.gid : findGroup(group, groups);
  const additionalGids = account.name === undefined ? [] : memberships(account.name, groups);
  if (!additionalGids.includes(gid)) additionalGids.unshift(gid);
  return { uid: account.uid, gid, additionalGids };
}

/** Linux's own limit is 2³²-2; signed 32-bit numbers are what every program along the way can hold. */
const maxId = 2 ** 31 - 1;
/** As many as the kernel takes. */
const maxGroups = 65_536;
const maxShown = 128;

interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name?: string;
}

async function readLines(path: '/etc/passwd' | '/etc/group', read: ReadAccounts): Promise<readonly string[]> {
  const bytes = await read(path, maxAccountBytes);
  if (bytes === undefined) return [];
  if (bytes.length > maxAccountBytes) throw invalidArgument(`${path}: more than ${maxAccountBytes} bytes`);
  return new TextDecoder().decode(bytes).split('\n');
}

function findAccount(user: string, passwd: readonly string[]): Account {
  const id = user === '' ? 0 : parseId(user);
  for (const line of passwd) {
    const [name, , uid, gid] = line.trim().split(':');
    if (name === undefined || uid === undefined || gid === undefined) continue;
    if (id === undefined ? name !== user : uid !== String(id)) continue;
    return { name, uid: lineId(uid, '/etc/passwd', name), gid: lineId(gid, '/etc/passwd', name) };
  }
  if (id === undefined) throw invalidArgument(`USER ${JSON.stringify(user.slice(0, maxShown))}: no users found`);
  return { uid: id, gid: 0 };
}

function findGroup(group: string, groups: readonly string[]): number {
  const id = parseId(group);
  if (id !== undefined) return id;
  for (const line of groups) {
    const [name, , gid] = line.trim().split(':');
    if (name === group && gid !== undefined) return lineId(gid, '/etc/group', name);
  }
  throw invalidArgument(`group ${JSON.stringify(group.slice(0, maxShown))}: no groups found`);
}

/** The groups that list the user, in the file's order, each once. */
function memberships(user: string, groups: readonly string[]): number[] {
  const gids = new Set<number>();
  for (const line of groups) {
    const [name, , gid, members] = line.trim().split(':');
    if (name === undefined || gid === undefined || members === undefined) continue;
    if (members.split(',').includes(user)) gids.add(lineId(gid, '/etc/group', name));
  }
  if (gids.size >= maxGroups)
    throw fault('resource_exhausted', `user is in ${gids.size} groups, at most ${maxGroups - 1}`);
  return [...gids];
}

/** The number, or undefined for a name. What looks like a number and is none that can be had is an error and not a name. */
function parseId(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const id = /^\d{1,20}$/.test(text) ? Number(text) : -1;
  if (id < 0 || id > maxId)
    throw invalidArgument(`user or group id ${text.slice(0, maxShown)}: out of range 0 to ${maxId}`);
  return id;
}

/** A broken line must not make its user root. */
function lineId(text: string, path: string, name: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(id <= maxId))
    throw invalidArgument(
      `${path}: ${JSON.stringify(name.slice(0, maxShown))} has id ${JSON.stringify(text.slice(0, 32))}`,
    );
  return id;
}
