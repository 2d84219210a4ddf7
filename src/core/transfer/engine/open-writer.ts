import { sleep } from '#base/cancellation';
import { isFault } from '#base/errors';
import type { ContentStore, ContentWriter, WriterOptions } from '#core/content/content';
import type { Scope } from '#core/scope';

/**
 * Opens an ingest, waiting while somebody else writes to it. `undefined` when the expected blob is there, held by the scope's lease now.
 * @throws as `ContentStore.writer`; canceled while waiting
 */
export async function openWriter(
  content: ContentStore,
  scope: Scope,
  ref: string,
  options: WriterOptions,
): Promise<ContentWriter | undefined> {
  for (let delayMs = 10; ; delayMs = Math.min(delayMs * 2, 1000)) {
    try {
      return await content.writer(scope, ref, options);
    } catch (error) {
      if (isFault(error, 'already_exists')) return undefined;
      if (!isFault(error, 'unavailable')) throw error;
    }
    await sleep(delayMs, scope.signal);
  }
}
