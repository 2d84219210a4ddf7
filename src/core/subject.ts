import { classOf, type ErrorClass } from '#base/errors';

/** What a contract suite is run on: one fresh, empty store, and the means to take it down. */
export interface Subject<T> extends AsyncDisposable {
  readonly store: T;
}

/** Makes the subject of one test. */
export type OpenSubject<T> = () => Promise<Subject<T>> | Subject<T>;

/** A subject that has nothing to take down. */
export const subjectOf = <T>(store: T): Subject<T> => ({ store, [Symbol.asyncDispose]: async () => {} });

/** The class of what the promise is rejected with; `none` when it is not. */
export async function faultOf(work: Promise<unknown>): Promise<ErrorClass | 'none'> {
  try {
    await work;
    return 'none';
  } catch (thrown) {
    return classOf(thrown);
  }
}
