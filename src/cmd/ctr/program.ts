import { berthVersion } from '#base/version';
import { lazyCommand, lazyGroup, type Program } from '../cli/command.ts';
import { completionCommand } from '../cli/completion-command.ts';
import { namesCommand } from '../cli/names-command.ts';
import events from './events.ts';
import { globals } from './globals.ts';
import info from './info.ts';
import install from './install.ts';
import { namesOf } from './names.ts';
import version from './version.ts';

/** The command tree: what `--help` shows is in this order. */
export const ctr: Program = {
  name: 'ctr',
  banner: '',
  version: berthVersion.version,
  description:
    'A client for Berth and containerd, for looking inside and trying things out. It speaks the API as it is.',
  globals,
  commands: [
    lazyGroup('plugins', 'provides information about containerd plugins', () => import('./plugins/commands.ts'), {
      aliases: ['plugin'],
    }),
    version,
    lazyGroup('containers', 'manage containers', () => import('./containers/commands.ts'), {
      aliases: ['c', 'container'],
    }),
    lazyGroup('content', 'manage content', () => import('./content/commands.ts')),
    events,
    lazyGroup('images', 'manage images', () => import('./images/commands.ts'), { aliases: ['image', 'i'] }),
    lazyGroup('leases', 'manage leases', () => import('./leases/commands.ts')),
    lazyGroup('namespaces', 'manage namespaces', () => import('./namespaces/commands.ts'), {
      aliases: ['namespace', 'ns'],
    }),
    lazyCommand('run', 'run a container', () => import('./run/run.ts')),
    lazyGroup('snapshots', 'manage snapshots', () => import('./snapshots/commands.ts'), { aliases: ['snapshot'] }),
    lazyGroup('tasks', 'manage tasks', () => import('./tasks/commands.ts'), { aliases: ['t', 'task'] }),
    install,
    lazyGroup('oci', 'OCI tools', () => import('./oci/commands.ts')),
    lazyGroup('pprof', 'provide golang pprof outputs for containerd', () => import('./pprof/pprof.ts')),
    lazyGroup('sandboxes', 'manage sandboxes', () => import('./sandboxes/commands.ts'), {
      aliases: ['sandbox', 'sb', 's'],
    }),
    info,
    lazyGroup('deprecations', 'what is in use that goes away one day', () => import('./deprecations/commands.ts')),
    lazyGroup('shim', 'interact with a shim directly', () => import('./shim/commands.ts')),
    completionCommand('ctr', () => ctr),
    namesCommand(() => ctr, namesOf),
  ],
};
