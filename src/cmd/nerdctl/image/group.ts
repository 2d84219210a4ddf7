import { loaded } from '../../cli/command.ts';
import { groupCommands } from './commands.ts';

/** All commands of `nerdctl image`. */
export default await Promise.all(groupCommands.map(loaded));
