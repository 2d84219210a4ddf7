import listSandboxes from './list.ts';
import removeSandboxes from './remove.ts';
import runSandbox from './run.ts';

export default [runSandbox, listSandboxes, removeSandboxes];
