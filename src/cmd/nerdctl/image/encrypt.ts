import { findImage, fullName } from '#ops/image/find';
import { flag } from '../../cli/flags.ts';
import { cryptFlags, cryptOptions, recipientFlags, recipientKeys } from '../../ctr/images/crypt-flags.ts';
import { command } from '../globals.ts';
import { refusedCryptFlags } from './refused-flags.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
    arity: [2, 2],
    completes: ['images', 'images'],
    flags: {
      ...recipientFlags,
      ...cryptFlags,
      ...refusedCryptFlags,
      'all-platforms': flag('For all platforms, as without --platform'),
    },
    run: async (engine, { io, flags, args: [source = '', target = ''] }) => {
      const { client, scope } = engine;
      const { image } = await findImage(engine, source);
      const { encryptImage } = await import('#client/encrypt-image');
      const options = { ...(await cryptOptions(io, flags)), name: fullName(target) };
      const made = await encryptImage(client, scope, image.name, await recipientKeys(io, flags.recipient), options);
      await io.stdout.write(`${made.target.digest}\n`);
      return 0;
    },
  });
