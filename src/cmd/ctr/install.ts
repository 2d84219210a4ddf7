import { invalidArgument } from '#base/errors';
import { flag, text } from '../cli/flags.ts';
import { command } from './globals.ts';

export default command({
  name: 'install',
  summary: 'install a new package',
  args: '<ref>',
  description: "Put the programs of an image into the daemon's managed directory, or another one.",
  completes: ['images'],
  flags: {
    libs: flag('install libs from the image', { alias: 'l' }),
    replace: flag('replace any binaries or libs in the opt directory', { alias: 'r' }),
    path: text('set an optional install path other than the managed opt directory'),
  },
  run: async ({ client, scope }, { args: [name], flags }) => {
    if (name === undefined || name === '') throw invalidArgument('please provide an image reference to install');
    const { installImage } = await import('#client/install-image');
    await installImage(client, scope, await client.images.get(scope, name), flags);
    return 0;
  },
});
