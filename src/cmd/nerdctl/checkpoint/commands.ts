import { resolve } from 'node:path';
import { createCheckpoint, listCheckpoints, removeCheckpoint } from '#ops/container/checkpoint';
import { findContainer } from '#ops/container/find';
import { flag, text } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { requireExperimental } from '../experimental.ts';
import { command } from '../globals.ts';

const where = { 'checkpoint-dir': text('where checkpoints are kept', { completes: 'directories' }) };
const directoryIn = (io: Io, path: string): string => (path === '' ? '' : resolve(io.cwd, path));

const create = command({
  name: 'create',
  summary: 'save the processes of a container',
  args: 'CONTAINER CHECKPOINT',
  arity: [2, 2],
  completes: ['containers'],
  flags: { ...where, 'leave-running': flag('let them go on') },
  run: async (engine, { io, args: [word = '', name = ''], flags }) => {
    requireExperimental(engine.config, 'checkpoint');
    const container = await findContainer(engine, word);
    const directory = directoryIn(io, flags['checkpoint-dir']);
    await createCheckpoint(engine, container, { name, directory, leaveRunning: flags['leave-running'] });
    await io.stdout.write(`${name}\n`);
    return 0;
  },
});

const list = command({
  name: 'ls',
  aliases: ['list'],
  summary: 'list the checkpoints of a container',
  args: 'CONTAINER',
  arity: [1, 1],
  completes: ['containers'],
  flags: where,
  run: async (engine, { io, args: [word = ''], flags }) => {
    requireExperimental(engine.config, 'checkpoint');
    const container = await findContainer(engine, word);
    const names = await listCheckpoints(container, directoryIn(io, flags['checkpoint-dir']));
    await io.stdout.write(['CHECKPOINT NAME', ...names].map((line) => `${line}\n`).join(''));
    return 0;
  },
});

const remove = command({
  name: 'rm',
  aliases: ['remove'],
  summary: 'remove a checkpoint',
  args: 'CONTAINER CHECKPOINT',
  arity: [2, 2],
  completes: ['containers'],
  flags: where,
  run: async (engine, { io, args: [word = '', name = ''], flags }) => {
    requireExperimental(engine.config, 'checkpoint');
    await removeCheckpoint(await findContainer(engine, word), name, directoryIn(io, flags['checkpoint-dir']));
    return 0;
  },
});

export default [create, list, remove];
