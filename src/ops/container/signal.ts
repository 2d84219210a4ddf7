import { constants } from 'node:os';

export const sigkill = constants.signals.SIGKILL;
