import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { Tasks } from '#core/runtime/tasks';
import { ContainerFiles } from '#core/transfer/container-files';
import { fromUnicode, toDisplay } from '#lib/tar/byte-text';
import { cleanPath } from '#lib/tar/paths';
import { type RootParts, withContainerRoot } from './container-root.ts';
import { packInThread, unpackInThread } from './files-thread.ts';

/** Copies files out of and into containers, running or not. */
export default definePlugin({
  slot: ContainerFiles,
  id: 'files',
  needs: { metadata: one(Metadata), tasks: one(Tasks, 'tasks-service') },
  start: ({ daemon }, { metadata, tasks }) => containerFiles({ metadata, tasks, tempDir: daemon.tempDir }),
});

function containerFiles(parts: RootParts): ContainerFiles {
  const clean = (path: string): string => toDisplay(cleanPath(fromUnicode(path)));
  return {
    async *read(scope, container, path, { noWalk = false } = {}) {
      const { signal } = scope;
      yield* fromWithin((use) =>
        withContainerRoot(parts, scope, container, (root) => use(packInThread(root, clean(path), { noWalk, signal }))),
      );
    },
    write: (scope, container, path, archive, { preserveOwnership = false } = {}) =>
      withContainerRoot(parts, scope, container, (root) =>
        unpackInThread(root, clean(path), archive, { preserveOwnership, signal: scope.signal, tempDir: parts.tempDir }),
      ),
  };
}

/** What is generated within a callback, generated here: the callback ends when the reader has had enough. */
async function* fromWithin<T>(
  open: (use: (items: AsyncIterable<T>) => Promise<void>) => Promise<void>,
): AsyncGenerator<T, void, undefined> {
  const opened = Promise.withResolvers<AsyncIterable<T>>();
  const done = Promise.withResolvers<void>();
  const closed = open((items) => {
    opened.resolve(items);
    return done.promise;
  });
  closed.catch(opened.reject);
  try {
    yield* await opened.promise;
  } finally {
    done.resolve();
    await closed.catch(() => {}); // if it never opened, that is what is thrown already
  }
}
