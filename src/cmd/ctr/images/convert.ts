import { invalidArgument } from '#base/errors';
import { allPlatforms, anyPlatform, defaultPlatform, onlyPlatform, parsePlatform } from '#lib/platform';
import { flag, list } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';

export default command({
  name: 'convert',
  summary: 'convert an image',
  args: '[flags] <source_ref> <target_ref>',
  description:
    'Convert an image format.\n\n' +
    "   e.g., 'ctr images convert --uncompress --oci example.com/foo:orig example.com/foo:converted'\n\n" +
    "   Use '--platform' to define the output platform.\n" +
    "   When '--all-platforms' is given all images in a manifest list must be available.",
  completes: ['images', 'images'],
  flags: {
    uncompress: flag('convert tar.gz layers to uncompressed tar layers'),
    oci: flag('convert Docker media types to OCI media types'),
    platform: list('Pull content from a specific platform'),
    'all-platforms': flag('exports content from all platforms'),
  },
  run: async ({ client, scope }, { io, args: [source, target], flags }) => {
    if (source === undefined || source === '' || target === undefined || target === '')
      throw invalidArgument('src and target image need to be specified');
    const chosen =
      flags.platform.length > 0 ? anyPlatform(...flags.platform.map(parsePlatform)) : onlyPlatform(defaultPlatform());
    const { convertImage } = await import('#client/convert-image');
    const { uncompressLayer } = await import('#client/uncompress-layer');
    const image = await convertImage(client, scope, source, target, {
      platforms: flags['all-platforms'] ? allPlatforms : chosen,
      toOci: flags.oci,
      ...(flags.uncompress ? { layer: uncompressLayer } : {}),
    });
    await printLine(io, image.target.digest);
    return 0;
  },
});
