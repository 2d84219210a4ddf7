import { group, loaded } from '../../cli/command.ts';
import checkpoint from '../checkpoint/commands.ts';
import { containerCommands, innerCommands } from './commands.ts';

/** All commands of `nerdctl container`. */
export default [
  ...(await Promise.all([...containerCommands, ...innerCommands].map(loaded))),
  group('checkpoint', 'manage checkpoints', checkpoint),
];
