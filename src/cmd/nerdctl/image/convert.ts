import { invalidArgument } from '#base/errors';
import type { ConvertLayer } from '#client/convert-image';
import { jsonOf } from '#lib/go-template/json';
import { allPlatforms, anyPlatform, defaultPlatform, onlyPlatform, type PlatformMatcher } from '#lib/platform';
import { findImage, fullName } from '#ops/image/find';
import { flag, number, text } from '../../cli/flags.ts';
import { printInspect } from '../format/inspect.ts';
import { command } from '../globals.ts';
import { platformFlags, platformsOf } from './platforms.ts';
import { refusedConvertFlags } from './refused-flags.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
    arity: [2, 2],
    completes: ['images', 'images'],
    flags: {
      ...platformFlags,
      ...refusedConvertFlags,
      format: text("'json' or a Go template"),
      oci: flag("Convert docker's media types to OCI's"),
      uncompress: flag('Convert tar.gz layers to uncompressed tar layers'),
      zstd: flag('Convert layers to such as zstd packs'),
      'zstd-compression-level': number('From 1 to 22', { default: 3 }),
    },
    run: async ({ client, scope, ...engine }, { io, flags, args: [source = '', target = ''] }) => {
      if (!flags.oci && !flags.uncompress && !flags.zstd)
        throw invalidArgument('what to convert to: give --oci, --uncompress or --zstd');
      const layer = await layerOf(flags);
      const { image } = await findImage({ client, scope, ...engine }, source);
      const { convertImage } = await import('#client/convert-image');
      const converted = await convertImage(client, scope, image.name, fullName(target), {
        platforms: matcherOf(platformsOf(flags)),
        toOci: flags.oci,
        ...(layer !== undefined && { layer }),
      });
      const { digest } = converted.target;
      const made = { Image: `${converted.name}@${digest}`, ExtraImages: [] };
      if (flags.format === 'json') await io.stdout.write(`${jsonOf(made)}\n`);
      else if (flags.format !== '') await printInspect(io, flags.format, [made]);
      else await io.stdout.write(`${digest}\n`);
      return 0;
    },
  });

interface LayerFlags {
  readonly uncompress: boolean;
  readonly zstd: boolean;
  readonly 'zstd-compression-level': number;
}

async function layerOf(flags: LayerFlags): Promise<ConvertLayer | undefined> {
  const level = flags['zstd-compression-level'];
  if (flags.zstd && flags.uncompress) throw invalidArgument('--zstd and --uncompress cannot be used together');
  if (level < 1 || level > 22) throw invalidArgument(`--zstd-compression-level: wanted 1 to 22, got ${level}`);
  if (flags.uncompress) return (await import('#client/uncompress-layer')).uncompressLayer;
  return flags.zstd ? (await import('#client/zstd-layer')).zstdLayer(level) : undefined;
}

function matcherOf(platforms: ReturnType<typeof platformsOf>): PlatformMatcher {
  if (platforms === undefined) return onlyPlatform(defaultPlatform());
  return platforms === 'all' ? allPlatforms : anyPlatform(...platforms);
}
