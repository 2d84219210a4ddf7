import { access, constants } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { invalidArgument, notFound } from '#base/errors';

const ownName = 'berth-init';

/** The program that is process 1 before the container's: ours, or the one that was asked for, by path or on PATH. @throws not_found */
export async function findInit(wanted: string): Promise<string> {
  if (wanted.includes('/') && !isAbsolute(wanted))
    throw invalidArgument(`init-binary ${wanted}: wanted an absolute path or a name`);
  const name = wanted === '' ? ownName : wanted;
  const path = (process.env.PATH ?? '').split(':').filter(isAbsolute);
  // Beside the shim: where this program is, or as it stands in an installation.
  const own = dirname(process.execPath);
  const folders = wanted === '' ? [own, join(own, '../../bin'), ...path] : path;
  for (const candidate of isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name)))
    if (await isExecutable(candidate)) return candidate;
  throw notFound(`init-binary ${name}`);
}

const isExecutable = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
