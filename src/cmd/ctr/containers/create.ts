import { command } from '../globals.ts';
import { containerFlags } from '../run/container-flags.ts';
import { newContainer, readWords } from '../run/new-container.ts';
import { pidFileExtension } from '../run/pid-file.ts';

export default command({
  name: 'create',
  summary: 'create container',
  args: '[flags] Image|RootFS CONTAINER [COMMAND] [ARG...]',
  completes: ['images'],
  flags: containerFlags,
  run: async (session, { flags, args, given, io }) => {
    const words = readWords(args, flags);
    await newContainer(session, {
      ...words,
      flags,
      given,
      cwd: io.cwd,
      environment: io.env,
      // What of it is the task's is kept for whoever starts it.
      noPivotRoot: flags['no-pivot'],
      extensions: pidFileExtension(io.cwd, flags['pid-file']),
    });
    return 0;
  },
});
