/** How each method answers; those that a service may lack are not asked of a daemon. */
type Answers<S> = {
  readonly [K in keyof S as undefined extends S[K] ? never : K]: S[K] extends (
    ...words: never[]
  ) => AsyncIterable<unknown>
    ? 'stream'
    : 'promise';
};

type Method = (...words: readonly unknown[]) => Promise<unknown> | AsyncIterable<unknown>;

/**
 * A service whose code is imported with the first call: most programs use few of a daemon's, and each takes milliseconds to load.
 * Calls reach it in the order in which they were made, a stream's also when nobody reads it yet.
 */
export function lazyService<S extends object>(load: () => Promise<S>, answers: Answers<S>): S {
  let loading: Promise<S> | undefined;
  const call = async (name: string, words: readonly unknown[]) => {
    loading ??= load();
    return ((await loading) as Record<string, Method>)[name]?.(...words);
  };
  const service: Record<string, Method> = {};
  for (const [name, answer] of Object.entries(answers))
    service[name] =
      answer === 'promise'
        ? (...words) => call(name, words) as Promise<unknown>
        : (...words) => items(call(name, words) as Promise<AsyncIterable<unknown>>);
  return service as S;
}

function items(opening: Promise<AsyncIterable<unknown>>): AsyncIterable<unknown> {
  opening.catch(() => {}); // whoever reads hears of it
  return (async function* () {
    yield* await opening;
  })();
}
