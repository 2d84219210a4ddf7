import { invalidArgument } from '#base/errors';
import { encryptImage } from '#client/encrypt-image';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';
import { cryptFlags, cryptOptions, recipientFlags, recipientKeys } from './crypt-flags.ts';

export default command({
  name: 'encrypt',
  summary: 'encrypt an image locally',
  args: '[flags] <local> [<new name>]',
  description:
    'Encrypt the layers of an image, so that only who has a private key of one of the recipients can unpack them. A layer that is\n' +
    'encrypted already gets further recipients; that needs a private key (--key) which opens it.',
  completes: ['images'],
  flags: { ...recipientFlags, ...cryptFlags },
  run: async ({ client, scope }, { io, args: [local, name = local], flags }) => {
    if (local === undefined || local === '' || name === undefined || name === '')
      throw invalidArgument('please provide the name of an image to encrypt');
    const options = { ...(await cryptOptions(io, flags)), name };
    const image = await encryptImage(client, scope, local, await recipientKeys(io, flags.recipient), options);
    await printLine(io, `${image.name} ${image.target.digest}`);
    return 0;
  },
});
