import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { Tasks } from '#core/runtime/tasks';
import type { Scope } from '#core/scope';
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
  start: ({ daemon, signal }, { metadata, tasks }) =>
    containerFiles({ metadata, tasks, tempDir: daemon.tempDir }, signal),
});

/** Disposed, it waits until nothing of a copy is mounted any more; `stopping` has ended all of them by then. */
function containerFiles(parts: RootParts, stopping: AbortSignal): ContainerFiles & AsyncDisposable {
  const underway = new Set<Promise<unknown>>();
  const clean = (path: string): string => toDisplay(cleanPath(fromUnicode(path)));
  const within = async <T>(
    scope: Scope,
    container: string,
    use: (root: number, signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const signal = AbortSignal.any([scope.signal, stopping]);
    const work = withContainerRoot(parts, { ...scope, signal }, container, (root) => use(root, signal));
    underway.add(work);
    return await work.finally(() => underway.delete(work));
  };
  return {
    async *read(scope, container, path, { noWalk = false } = {}) {
      yield* fromWithin((use) =>
        within(scope, container, (root, signal) => use(packInThread(root, clean(path), { noWalk, signal }))),
      );
    },
    write: (scope, container, path, archive, { preserveOwnership = false } = {}) =>
      within(scope, container, (root, signal) =>
        unpackInThread(root, clean(path), archive, { preserveOwnership, signal, tempDir: parts.tempDir }),
      ),
    [Symbol.asyncDispose]: async () => void (await Promise.allSettled(underway)),
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
