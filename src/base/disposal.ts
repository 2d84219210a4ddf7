/** Runs `end` when the scope that holds it ends: `using _ = defer(() => …)`. */
export function defer(end: () => void): Disposable {
  return { [Symbol.dispose]: end };
}

/** The same for something that takes time: `await using _ = deferAsync(async () => …)`. */
export function deferAsync(end: () => Promise<void>): AsyncDisposable {
  return { [Symbol.asyncDispose]: end };
}
