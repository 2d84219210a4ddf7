import { readFile } from 'node:fs/promises';
import { invalidArgument, notFound, wrap } from '#base/errors';
import { userInRoot } from '#client/container-user';
import type { HostIds } from '#client/remap';
import type { IdMapping, User } from '#lib/oci/spec/spec';
import type { NamespaceOptions, ProcessOptions } from '../create-options.ts';

/** Who the process is, by the image's own files. @throws invalid_argument for users and groups that they do not know */
export async function userFor(
  root: string,
  imageUser: string,
  { user = '', umask, groups = [] }: ProcessOptions,
): Promise<User> {
  const found = await userInRoot(root, user || imageUser);
  const added: number[] = [];
  for (const group of groups) {
    try {
      added.push((await userInRoot(root, `0:${group}`)).gid);
    } catch (thrown) {
      throw wrap(thrown, `Unable to find group ${group}`);
    }
  }
  const additionalGids = [...new Set([...(found.additionalGids ?? []), ...added])];
  return {
    ...found,
    ...(umask !== undefined && { umask }),
    ...(additionalGids.length > 0 && { additionalGids }),
  };
}

/**
 * Which ids of the machine the container's are; undefined for the same.
 * @param remap a user, `user:group`, or `default`: whose ranges in /etc/subuid and /etc/subgid
 */
export async function idMappings(remap: string, { user: mode = '' }: NamespaceOptions): Promise<HostIds | undefined> {
  if (mode === 'host' || remap === '') return undefined;
  const [user = '', group = user] = (remap === 'default' ? 'dockremap' : remap).split(':');
  return { uids: await ranges('/etc/subuid', user), gids: await ranges('/etc/subgid', group) };
}

async function ranges(path: string, name: string): Promise<readonly IdMapping[]> {
  const names = new Set([name, await otherName(path, name)]);
  const text = await readFile(path, 'utf8').catch((thrown: unknown) => {
    throw wrap(thrown, `userns-remap ${name}`);
  });
  let containerID = 0;
  const found: IdMapping[] = [];
  for (const line of text.split('\n')) {
    const [who, first, count, ...rest] = line.trim().split(':');
    if (who === undefined || first === undefined || count === undefined || rest.length > 0 || !names.has(who)) continue;
    if (!/^\d{1,10}$/.test(first) || !/^\d{1,10}$/.test(count) || Number(count) === 0)
      throw invalidArgument(`${path}: ${JSON.stringify(line.slice(0, 80))} is no range`);
    found.push({ containerID, hostID: Number(first), size: Number(count) });
    containerID += Number(count);
  }
  if (found.length === 0) throw notFound(`userns-remap: no range for ${JSON.stringify(name)} in ${path}`);
  return found;
}

/** The files may have names or numbers. */
async function otherName(path: string, name: string): Promise<string | undefined> {
  const accounts = await readFile(path.endsWith('subgid') ? '/etc/group' : '/etc/passwd', 'utf8');
  const rows = accounts.split('\n').map((line) => line.split(':'));
  if (/^\d+$/.test(name)) return rows.find(([, , id]) => id === name)?.[0];
  return rows.find(([own]) => own === name)?.[2];
}

/** The machine's id of a container's root. */
export const hostRoot = (mappings: readonly IdMapping[]): number =>
  (mappings.find(({ containerID }) => containerID === 0) ?? mappings[0])?.hostID ?? 0;
