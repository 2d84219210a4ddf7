import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { unavailable } from '#base/errors';
import { parsePlatform } from '#lib/platform';
import { importImage } from '#ops/image/import';
import { list, text } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { command } from '../globals.ts';
import { fileBytes } from './file-bytes.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'file|URL|- [REPOSITORY[:TAG]]',
    arity: [1, 2],
    completes: ['files', 'images'],
    flags: {
      change: list('Apply Dockerfile instruction to the created image', { alias: 'c' }),
      message: text('Set commit message for imported image', { alias: 'm' }),
      platform: text('Set platform if server is multi-platform capable'),
    },
    run: async (engine, { io, flags, args: [source = '', target = ''] }) => {
      const image = await importImage(engine, await tarOf(io, source), {
        name: target,
        message: flags.message === '' && source !== '-' ? `Imported from ${source}` : flags.message,
        changes: flags.change,
        ...(flags.platform !== '' && { platform: parsePlatform(flags.platform) }),
      });
      await io.stdout.write(`${image.target.digest}\n`);
      return 0;
    },
  });

async function tarOf(io: Io, source: string): Promise<AsyncIterable<Uint8Array>> {
  if (source === '-') return io.stdin;
  if (!/^https?:\/\//.test(source)) return fileBytes(resolve(io.cwd, source));
  const response = await fetch(source, { signal: io.signal }).catch((cause: unknown) => {
    throw unavailable(`cannot fetch ${source}`, cause);
  });
  if (!response.ok || response.body === null)
    throw unavailable(`cannot fetch ${source}: ${response.status} ${response.statusText}`);
  return Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
}
