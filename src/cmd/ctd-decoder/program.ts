import { berthVersion } from '#base/version';
import type { Program } from '../cli/command.ts';
import { text } from '../cli/flags.ts';
import { decode } from './decode.ts';

const flags = {
  'decryption-keys-path': text('path to load decryption keys from. (optional)'),
};

/** Decrypts a layer from standard input to standard output: what `[stream_processors]` names for encrypted media types. */
export const ctdDecoder: Program = {
  name: 'ctd-decoder',
  banner: '',
  version: berthVersion.version,
  description:
    'Decrypts an encrypted layer from standard input to standard output. The daemon starts it and hands it on descriptor 3 what is known of the layer.',
  globals: flags,
  commands: [],
  run: async ({ io, flags: given }) => {
    const keysPath = given['decryption-keys-path'];
    await decode(io, { keysPath: typeof keysPath === 'string' ? keysPath : '' });
    return 0;
  },
};
