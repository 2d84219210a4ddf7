import { invalidArgument } from '#base/errors';
import { decryptImage } from '#client/encrypt-image';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';
import { cryptFlags, cryptOptions } from './crypt-flags.ts';

export default command({
  name: 'decrypt',
  summary: 'decrypt an image locally',
  args: '[flags] <local> [<new name>]',
  description:
    'Take the encryption of an image away. The keys must open every encrypted layer, also those of other platforms.',
  completes: ['images'],
  flags: cryptFlags,
  run: async ({ client, scope }, { io, args: [local, name = local], flags }) => {
    if (local === undefined || local === '' || name === undefined || name === '')
      throw invalidArgument('please provide the name of an image to decrypt');
    const image = await decryptImage(client, scope, local, { ...(await cryptOptions(io, flags)), name });
    await printLine(io, `${image.name} ${image.target.digest}`);
    return 0;
  },
});
