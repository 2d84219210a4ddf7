import { berthVersion } from '#base/version';
import { lazyCommand, lazyGroup, type Program } from '../cli/command.ts';
import { completionCommand } from '../cli/completion-command.ts';
import { dockerDialect } from '../cli/docker-dialect.ts';
import { containerCommands } from './container/commands.ts';
import { globals } from './globals.ts';
import { imageCommands } from './image/commands.ts';

/** The command tree. Commands of containers and images stand at the top and in their groups, as users know them. */
export const nerdctl: Program = {
  name: 'nerdctl',
  banner: '',
  version: berthVersion.version,
  description: "docker's command line for Berth and its namespaces.",
  globals,
  dialect: dockerDialect,
  commands: [
    ...containerCommands,
    ...imageCommands,
    lazyGroup('apparmor', 'manage AppArmor profiles', () => import('./apparmor/commands.ts')),
    lazyGroup('checkpoint', 'manage checkpoints', () => import('./checkpoint/commands.ts')),
    lazyGroup('container', 'manage containers', () => import('./container/group.ts')),
    lazyCommand('events', 'show what happens, as it happens', () => import('./system/events.ts')),
    lazyGroup('image', 'manage images', () => import('./image/group.ts')),
    lazyCommand('info', 'show what there is', () => import('./system/info.ts')),
    lazyCommand('inspect', 'show everything about containers and images', () => import('./inspect.ts')),
    lazyGroup('ipfs', 'not here: there is no IPFS', () => import('./ipfs/commands.ts')),
    lazyCommand('login', 'log in to a registry', () => import('./login.ts')),
    lazyCommand('logout', 'forget a login', () => import('./logout.ts')),
    lazyCommand('search', 'look for images in a registry', () => import('./search.ts')),
    lazyGroup('namespace', 'manage namespaces', () => import('./namespace/commands.ts'), { aliases: ['ns'] }),
    lazyGroup('manifest', 'manage manifests of registries', () => import('./manifest/commands.ts')),
    lazyGroup('network', 'manage networks', () => import('./network/commands.ts')),
    lazyGroup('system', 'look after the engine', () => import('./system/commands.ts')),
    lazyCommand('version', 'show versions', () => import('./system/version.ts')),
    lazyGroup('volume', 'manage volumes', () => import('./volume/commands.ts')),
    completionCommand('nerdctl', () => nerdctl),
  ],
};
