import { attachContainer } from '#ops/container/attach';
import { requireSettings } from '#ops/container/change-settings';
import { findContainer } from '#ops/container/find';
import { flag, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { attachOptions } from './attach-options.ts';
import { userSide } from './terminal.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER',
    arity: [1, 1],
    completes: ['containers'],
    flags: {
      'detach-keys': text('keys that leave it running', { default: 'ctrl-p,ctrl-q' }),
      'no-stdin': flag('do not hand on the input'),
      'sig-proxy': { ...flag('hand on signals to its process'), default: true },
    },
    run: async (engine, { io, args: [word = ''], flags }) => {
      const container = await findContainer(engine, word);
      const { terminal: tty, openStdin } = requireSettings(container).streams;
      const input = openStdin && !flags['no-stdin'];
      using side = userSide(engine, io, container.id, {
        ...{ tty, input, detachKeys: flags['detach-keys'], proxy: flags['sig-proxy'] },
      });
      const end = await attachContainer(
        engine,
        container,
        attachOptions(io, side, { stdin: input, stdout: true, stderr: true }),
      );
      if (end === undefined) await io.stderr.write('read escape sequence\n');
      return end?.exitCode ?? 0;
    },
  });
