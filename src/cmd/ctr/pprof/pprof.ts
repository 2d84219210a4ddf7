import { text } from '../../cli/flags.ts';
import { profileCommands } from './profiles.ts';

export const flags = {
  'debug-socket': text("socket path for containerd's debug server", {
    alias: 'd',
    default: '/run/containerd/debug.sock',
    completes: 'files',
  }),
};

/** `pprof`: profiles of a daemon, Berth's for Chrome's developer tools, containerd's for Go's. Kinds that a daemon does not have it says so of. */
export default profileCommands(({ globals }) => {
  const path = (globals as { readonly 'debug-socket'?: string })['debug-socket'] ?? '';
  return { path: path.replace(/^unix:\/\//, ''), whose: 'the daemon' };
});
