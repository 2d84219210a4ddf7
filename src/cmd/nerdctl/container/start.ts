import { resolve } from 'node:path';
import { startAttached } from '#ops/container/attach';
import { requireSettings } from '#ops/container/change-settings';
import { checkpointToStart } from '#ops/container/checkpoint';
import { findContainer } from '#ops/container/find';
import { startContainer } from '#ops/container/start';
import { waitRemoved } from '#ops/container/wait';
import { flag, text } from '../../cli/flags.ts';
import { Exit } from '../../cli/io.ts';
import { requireExperimental } from '../experimental.ts';
import { command } from '../globals.ts';
import { attachOptions } from './attach-options.ts';
import { forEachContainer } from './each.ts';
import { startFailure } from './process-exits.ts';
import { userSide } from './terminal.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER [CONTAINER...]',
    arity: [1, Number.POSITIVE_INFINITY],
    completes: ['containers...'],
    flags: {
      attach: flag('stay with it: its output, and signals to it', { alias: 'a' }),
      checkpoint: text('restore it from this checkpoint'),
      'checkpoint-dir': text('where the checkpoint is kept', { completes: 'directories' }),
      'detach-keys': text('keys that leave it running', { default: 'ctrl-p,ctrl-q' }),
      interactive: flag('hand on the input', { alias: 'i' }),
      'sig-proxy': { ...flag('hand on signals to its process'), default: true },
    },
    run: async (engine, { io, args, flags, globals }) => {
      const { checkpoint, 'checkpoint-dir': directory } = flags;
      if (checkpoint !== '') requireExperimental(engine.config, '--checkpoint');
      if (checkpoint !== '' && args.length > 1) throw new Exit(1, 'you cannot restore multiple containers at once');
      if (!flags.attach && !flags.interactive)
        return await forEachContainer(engine, io, args, async (container, word) => {
          const options =
            checkpoint === ''
              ? {}
              : {
                  options: await checkpointToStart(
                    container,
                    checkpoint,
                    directory === '' ? '' : resolve(io.cwd, directory),
                  ),
                };
          await startContainer(engine, container, options);
          return word;
        });
      if (args.length > 1) throw new Exit(1, 'you cannot start and attach multiple containers at once');
      if (checkpoint !== '') throw new Exit(1, 'you cannot restore from a checkpoint and attach at once');
      const container = await findContainer(engine, args[0] ?? '');
      const { streams, autoRemove } = requireSettings(container);
      const input = flags.interactive && streams.openStdin;
      const proxy = flags['sig-proxy'];
      try {
        using side = userSide(engine, io, container.id, {
          tty: streams.terminal,
          input,
          detachKeys: flags['detach-keys'],
          proxy,
        });
        const end = await startAttached(
          engine,
          container,
          attachOptions(io, side, { stdin: input, stdout: true, stderr: true }),
        );
        if (end !== undefined && autoRemove) await waitRemoved(engine, container.id);
        return end?.exitCode ?? 0;
      } catch (thrown) {
        throw startFailure(thrown, globals, 1);
      }
    },
  });
