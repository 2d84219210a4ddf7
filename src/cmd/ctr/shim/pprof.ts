import { group } from '../../cli/command.ts';
import { profileCommands } from '../pprof/profiles.ts';
import { chosenShim, shimSocket } from './connection.ts';

/** `shim pprof`: what shims that are written in Go and were started with debugging tell of themselves. Ours has no such socket. */
export const shimPprof = group(
  'pprof',
  'provide golang pprof outputs for containerd-shim',
  profileCommands((invocation) => {
    const { id, given, address, namespace } = chosenShim(invocation);
    const path = given === '' ? shimSocket(address, namespace, id, 'debug') : given.replace(/^unix:\/\//, '');
    return { path, whose: `shim ${id}` };
  }),
);
