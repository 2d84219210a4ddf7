import { dirname, join } from 'node:path';

/** Where the programs that belong to this one stand: in an installation `bin`, whose launchers start what is in `lib/berth`. */
export function programDirectory(executable = process.execPath): string {
  const own = dirname(executable);
  return own.endsWith('/lib/berth') ? join(own, '../../bin') : own;
}
