import { type LazyCommand, lazyCommand } from '../../cli/command.ts';

/** Commands of containers that stand at the top as well, as users know them. */
export const containerCommands = [
  lazyCommand('attach', 'attach to the streams of a container that runs', () => import('./attach.ts')),
  lazyCommand('commit', 'make an image of a container', () => import('./commit.ts')),
  lazyCommand('cp', 'copy files into and out of containers', () => import('./cp.ts')),
  lazyCommand('create', 'make a container without starting it', () => import('./create.ts')),
  lazyCommand('diff', 'list what a container has changed in its image', () => import('./diff.ts')),
  lazyCommand('exec', 'run a further process in a container', () => import('./exec.ts')),
  lazyCommand('export', "write a container's files as an archive", () => import('./export.ts')),
  lazyCommand('kill', 'send a signal to containers', () => import('./kill.ts')),
  lazyCommand('logs', 'show what a container has said', () => import('./logs.ts')),
  lazyCommand('pause', 'freeze all processes of containers', () => import('./pause.ts')),
  lazyCommand('port', "list a container's published ports", () => import('./port.ts')),
  lazyCommand('ps', 'list containers', () => import('./ps.ts')),
  lazyCommand('rename', 'give a container another name', () => import('./rename.ts')),
  lazyCommand('restart', 'end containers and start them anew', () => import('./restart.ts')),
  lazyCommand('rm', 'remove containers', () => import('./rm.ts'), { aliases: ['remove'] }),
  lazyCommand('run', 'make a container and start it', () => import('./run.ts')),
  lazyCommand('start', 'start containers that have ended or never ran', () => import('./start.ts')),
  lazyCommand('stats', 'show what containers use', () => import('./stats.ts')),
  lazyCommand('stop', 'end containers', () => import('./stop.ts')),
  lazyCommand('top', "list a container's processes", () => import('./top.ts')),
  lazyCommand('unpause', 'let frozen containers go on', () => import('./unpause.ts')),
  lazyCommand('update', 'change what containers may take', () => import('./update.ts')),
  lazyCommand('wait', 'wait until containers end, and print their exit codes', () => import('./wait.ts')),
];

/** Those that stand in their group only. */
export const innerCommands: readonly LazyCommand[] = [
  lazyCommand('inspect', 'show everything about containers', () => import('./inspect.ts')),
  lazyCommand('healthcheck', 'probe a container at once', () => import('./healthcheck.ts')),
  lazyCommand('prune', 'remove all containers that do not run', () => import('./prune.ts')),
  lazyCommand('ls', 'list containers', () => import('./ps.ts'), { aliases: ['list'] }),
];
