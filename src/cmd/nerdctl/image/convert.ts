import { invalidArgument } from '#base/errors';
import { allPlatforms, anyPlatform, defaultPlatform, onlyPlatform } from '#lib/platform';
import { findImage, fullName } from '#ops/image/find';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { platformFlags, platformsOf } from './platforms.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
    arity: [2, 2],
    completes: ['images', 'images'],
    flags: {
      ...platformFlags,
      oci: flag("Convert docker's media types to OCI's"),
      uncompress: flag('Convert tar.gz layers to uncompressed tar layers'),
    },
    run: async ({ client, scope, ...engine }, { io, flags, args: [source = '', target = ''] }) => {
      if (!flags.oci && !flags.uncompress)
        throw invalidArgument('what to convert to: give --oci, --uncompress or both');
      const { image } = await findImage({ client, scope, ...engine }, source);
      const platforms = platformsOf(flags);
      const { convertImage } = await import('#client/convert-image');
      const { uncompressLayer } = await import('#client/uncompress-layer');
      const converted = await convertImage(client, scope, image.name, fullName(target), {
        platforms:
          platforms === 'all'
            ? allPlatforms
            : platforms === undefined
              ? onlyPlatform(defaultPlatform())
              : anyPlatform(...platforms),
        toOci: flags.oci,
        ...(flags.uncompress && { layer: uncompressLayer }),
      });
      await io.stdout.write(`${converted.target.digest}\n`);
      return 0;
    },
  });
