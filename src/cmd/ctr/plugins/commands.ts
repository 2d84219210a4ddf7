import inspectRuntime from './inspect-runtime.ts';
import listPlugins from './list.ts';

export default [listPlugins, inspectRuntime];
