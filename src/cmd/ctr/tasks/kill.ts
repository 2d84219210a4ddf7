import { invalidArgument } from '#base/errors';
import { flag, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { parseSignal } from './signals.ts';

export default command({
  name: 'kill',
  summary: 'signal a container (default: SIGTERM)',
  args: '[flags] CONTAINER',
  completes: ['tasks'],
  flags: {
    signal: text('signal to send to the container', { alias: 's' }),
    'exec-id': text('process ID to kill'),
    all: flag('send signal to all processes inside the container', { alias: 'a' }),
  },
  run: async ({ client, scope }, { args: [id], flags }) => {
    if (id === undefined || id === '') throw invalidArgument('container id must be provided');
    if (flags.all && flags['exec-id'] !== '') throw invalidArgument('specify an exec-id or all; not both');
    const container = await client.containers.get(scope, id);
    const signal = flags.signal || container.labels['io.containerd.image.config.stop-signal'] || 'SIGTERM';
    await client.tasks.kill(scope, id, { execId: flags['exec-id'], signal: parseSignal(signal), all: flags.all });
    return 0;
  },
});
