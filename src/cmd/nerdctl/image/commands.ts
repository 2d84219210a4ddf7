import { type LazyCommand, lazyCommand } from '../../cli/command.ts';

/** Commands of images that stand at the top as well, under the names that users know. */
export const imageCommands: readonly LazyCommand[] = [
  lazyCommand('history', 'show how an image was made', () => import('./history.ts')),
  lazyCommand('images', 'list images', () => import('./images.ts')),
  lazyCommand('rmi', 'remove images', () => import('./rmi.ts')),
  lazyCommand('tag', 'give an image another name', () => import('./tag.ts')),
];
