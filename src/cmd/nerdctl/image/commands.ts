import { type LazyCommand, lazyCommand } from '../../cli/command.ts';

/** Commands of images that stand at the top and in their group. */
const both: readonly LazyCommand[] = [
  lazyCommand('history', 'show how an image was made', () => import('./history.ts')),
  lazyCommand('import', 'make an image of the tar of a file system', () => import('./import.ts')),
  lazyCommand('load', 'take in images from an archive', () => import('./load.ts')),
  lazyCommand('pull', 'fetch an image from a registry', () => import('./pull.ts')),
  lazyCommand('push', 'send an image to a registry', () => import('./push.ts')),
  lazyCommand('save', 'write images into an archive', () => import('./save.ts')),
  lazyCommand('tag', 'give an image another name', () => import('./tag.ts')),
];

/** Those at the top, under the names that users know. */
export const imageCommands: readonly LazyCommand[] = [
  ...both,
  lazyCommand('images', 'list images', () => import('./images.ts')),
  lazyCommand('rmi', 'remove images', () => import('./rmi.ts')),
];

/** Those of `nerdctl image`. */
export const groupCommands: readonly LazyCommand[] = [
  ...both,
  lazyCommand('convert', 'make an image of another form', () => import('./convert.ts')),
  lazyCommand('decrypt', "take an image's encryption away", () => import('./decrypt.ts')),
  lazyCommand('encrypt', "encrypt an image's layers", () => import('./encrypt.ts')),
  lazyCommand('inspect', 'show everything about images', () => import('./inspect.ts')),
  lazyCommand('ls', 'list images', () => import('./images.ts'), { aliases: ['list'] }),
  lazyCommand('prune', 'remove images that nobody needs', () => import('./prune.ts')),
  lazyCommand('rm', 'remove images', () => import('./rmi.ts'), { aliases: ['remove'] }),
];
