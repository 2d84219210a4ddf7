import type { Scope } from '#core/scope';

/**
 * Runs several pieces of work; the first that fails cancels the others. Returns, or throws that first error, when all have ended:
 * nothing goes on behind the caller's back.
 */
export async function together(scope: Scope, start: (inner: Scope) => readonly Promise<unknown>[]): Promise<void> {
  const cancel = new AbortController();
  const failed: unknown[] = [];
  const inner = { ...scope, signal: AbortSignal.any([scope.signal, cancel.signal]) };
  const work = start(inner).map((piece) =>
    piece.catch((error: unknown) => {
      failed.push(error);
      cancel.abort(error);
    }),
  );
  await Promise.all(work);
  if (failed.length > 0) throw failed[0];
}
