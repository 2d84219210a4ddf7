import { rmdir } from 'node:fs/promises';
import { isFault, messageOf } from '#base/errors';
import { cgroupFolders } from '#client/cgroups';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';

export default command({
  name: 'remove',
  aliases: ['rm'],
  summary: 'remove one or more namespaces',
  args: '<name> [<name>, ...]',
  description: 'remove one or more namespaces. for now, the namespace must be empty',
  completes: ['namespaces...'],
  flags: { cgroup: flag("delete the namespace's cgroup", { alias: 'c' }) },
  run: async ({ client }, { io, args, flags }) => {
    let failed: unknown;
    for (const name of args) {
      try {
        await client.namespaces.delete(name);
        if (flags.cgroup) await removeCgroups(name);
        await printLine(io, name);
      } catch (thrown) {
        if (isFault(thrown, 'not_found')) continue;
        failed ??= thrown;
        await io.stderr.write(`unable to delete ${name}: ${messageOf(thrown)}\n`);
      }
    }
    if (failed !== undefined) throw failed;
    return 0;
  },
});

async function removeCgroups(namespace: string): Promise<void> {
  for (const folder of await cgroupFolders(`/${namespace}`)) await rmdir(folder);
}
