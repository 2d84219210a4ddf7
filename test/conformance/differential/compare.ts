import { expect } from 'bun:test';
import type { Answer, Step } from './call.ts';

/** Fails unless both daemons answered a step the same, or ours as the step says. */
export function compare({ ours }: Step, theirAnswer: Answer, ourAnswer: Answer): void {
  if (ours === undefined) {
    const { ending } = theirAnswer; // where it ends with no phrase, the code is all that a client can go by
    expect(ending === '' ? { ...ourAnswer, ending } : ourAnswer).toEqual(theirAnswer);
  } else {
    expect(ourAnswer.code).toBe(ours.code);
    expect(theirAnswer, 'containerd answers the same: no exception is needed').not.toEqual(ourAnswer);
  }
}
