import { configCommand } from './effective.ts';

export default configCommand('dump', 'see the output of the final main config with imported in subconfig files');
