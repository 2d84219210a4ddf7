import { invalidArgument } from '#base/errors';
import { objectOf } from '#lib/reference';
import { localCommand } from '../globals.ts';
import { registryFlags } from '../images/registry-flags.ts';
import { openRepository } from '../images/registry-repository.ts';

export default localCommand({
  name: 'fetch-object',
  summary: 'retrieve objects from a remote',
  args: '[flags] <remote> [<object>]',
  description:
    "Print the manifest or index that a reference stands for; with an object, the one of that tag or digest in the reference's repository.",
  completes: ['images'],
  flags: registryFlags,
  run: async ({ io, args: [remote, object = ''], flags }) => {
    if (remote === undefined || remote === '') throw invalidArgument('please provide a remote reference');
    await using open = await openRepository(io, remote, flags);
    const target = await open.repository.resolve(object || objectOf(open.reference), io.signal);
    await io.stdout.write(await open.repository.manifest(target, io.signal));
    return 0;
  },
});
