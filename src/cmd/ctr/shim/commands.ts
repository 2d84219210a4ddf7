import deleteShim from './delete.ts';
import execShim from './exec.ts';
import { shimPprof } from './pprof.ts';
import shutdownShim from './shutdown.ts';
import startShim from './start.ts';
import shimState from './state.ts';

export default [deleteShim, execShim, startShim, shimState, shutdownShim, shimPprof];

export { shimFlags as flags } from './connection.ts';
