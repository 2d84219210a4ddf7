import { loaded } from '../../cli/command.ts';
import { containerCommands, innerCommands } from './commands.ts';

/** All commands of `nerdctl container`. */
export default await Promise.all([...containerCommands, ...innerCommands].map(loaded));
