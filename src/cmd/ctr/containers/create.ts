import { command } from '../globals.ts';
import { containerFlags } from '../run/container-flags.ts';
import { newContainer, readWords } from '../run/new-container.ts';

const { 'pid-file': _ofTasks, ...flags } = containerFlags;

export default command({
  name: 'create',
  summary: 'create container',
  args: '[flags] Image|RootFS CONTAINER [COMMAND] [ARG...]',
  flags,
  run: async (session, { flags: chosen, args, given, io }) => {
    const words = readWords(args, { ...chosen, 'pid-file': '' });
    await newContainer(session, { ...words, flags: { ...chosen, 'pid-file': '' }, given, cwd: io.cwd });
    return 0;
  },
});
