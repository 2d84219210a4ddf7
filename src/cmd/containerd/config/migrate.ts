import { configCommand } from './effective.ts';

export default configCommand('migrate', 'migrate the current configuration file to the latest version');
