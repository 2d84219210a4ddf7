import { lazyCommand, loaded } from '../../cli/command.ts';

const commands = [
  lazyCommand('history', 'show how an image was made', () => import('./history.ts')),
  lazyCommand('inspect', 'show everything about images', () => import('./inspect.ts')),
  lazyCommand('ls', 'list images', () => import('./images.ts'), { aliases: ['list'] }),
  lazyCommand('prune', 'remove images that nobody needs', () => import('./prune.ts')),
  lazyCommand('rm', 'remove images', () => import('./rmi.ts'), { aliases: ['remove'] }),
  lazyCommand('tag', 'give an image another name', () => import('./tag.ts')),
];

/** All commands of `nerdctl image`. */
export default await Promise.all(commands.map(loaded));
