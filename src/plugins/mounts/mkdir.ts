import { constants } from 'node:fs';
import { failedPrecondition, invalidArgument } from '#base/errors';
import type { Mount } from '#core/mount';
import { chmodAt, chownAt, mkdirAt, statAt } from '#sys/at';
import type { AllowedRoots } from './allowed-roots.ts';

const prefix = 'X-containerd.mkdir.';

interface Wanted {
  readonly path: string;
  readonly mode: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Makes the directories that the options name (`X-containerd.mkdir.path=<dir>[:<mode>[:<uid>:<gid>]]`) and drops those options. @throws invalid_argument */
export function makeDirectories(mount: Mount, roots: AllowedRoots): Mount {
  const wanted = mount.options.filter((option) => option.startsWith(prefix)).map(parse);
  for (const each of wanted) make(each, roots);
  return { ...mount, options: mount.options.filter((option) => !option.startsWith(prefix)) };
}

function parse(option: string): Wanted {
  const [key, ...value] = option.slice(prefix.length).split('=');
  const [path = '', mode = '0700', ...owner] = value.join('=').split(':');
  const [uid, gid] = owner.map((id) => (/^\d{1,10}$/.test(id) ? Number(id) : Number.NaN));
  const bad = key !== 'path' || path === '' || !/^0?[0-7]{1,3}$/.test(mode);
  if (bad || (owner.length !== 0 && owner.length !== 2) || [uid, gid].some(Number.isNaN))
    throw invalidArgument(`mount option ${JSON.stringify(option)}: wanted ${prefix}path=DIR[:MODE[:UID:GID]]`);
  const octal = Number.parseInt(mode, 8);
  return { path, mode: octal, ...(uid !== undefined && gid !== undefined && { owner: { uid, gid } }) };
}

/** One that is there already gets mode and owner, too: it may be what a crash left half done. */
function make({ path, mode, owner }: Wanted, roots: AllowedRoots): void {
  using place = roots.place(path);
  const { directory, name } = place;
  try {
    mkdirAt(directory, name, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const found = statAt(directory, name);
  if ((found.mode & constants.S_IFMT) !== constants.S_IFDIR)
    throw failedPrecondition(`${path} is there, and is no directory`);
  if (owner !== undefined) chownAt(directory, name, owner.uid, owner.gid);
  if ((found.mode & 0o7777) !== mode) chmodAt(directory, name, mode);
}
