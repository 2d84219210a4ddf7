import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Any } from '#base/any';
import type { Container } from '#core/containers/containers';

/** Under this name a container that was only made keeps where its task's pid is to be written. */
const extensionName = 'ctr.berth.pid-file';

/** What `containers create --pid-file` leaves for `tasks start`. */
export const pidFileExtension = (cwd: string, path: string): Readonly<Record<string, Any>> =>
  path === ''
    ? {}
    : {
        [extensionName]: {
          typeUrl: 'berth/ctr/pid-file',
          value: Buffer.from(JSON.stringify(resolve(cwd, path))),
        },
      };

/** Writes the pid where the command line says, or else where the container was made to say. */
export async function writePidFile(
  path: string,
  { extensions }: Pick<Container, 'extensions'>,
  pid: number,
): Promise<void> {
  const kept = extensions[extensionName];
  const file = path || (kept === undefined ? '' : (JSON.parse(new TextDecoder().decode(kept.value)) as string));
  if (file !== '') await writeFile(file, String(pid));
}
