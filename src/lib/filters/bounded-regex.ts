import { RE2JS, RE2JSException } from 're2js';
import { fault } from '#base/errors';

/** Program size times length of the value: about 1.5 seconds in the worst case that was found (`(a|b)*a(a|b){200}$`). */
const maxWork = 5_000_000;
const burstMs = 1000;
/** What is given back per millisecond that passes: a filter that lives with a subscription may use a tenth of a processor. */
const refill = 0.1;

/** The time that the regular expressions of one filter may take together, so that no caller can hold the event loop for long. */
export class RegexBudget {
  #leftMs = burstMs;
  #at = performance.now();

  /** @throws resource_exhausted when it is used up. */
  spend<T>(work: () => T): T {
    const start = performance.now();
    this.#leftMs = Math.min(burstMs, this.#leftMs + (start - this.#at) * refill);
    if (this.#leftMs <= 0) throw fault('resource_exhausted', 'filter: regular expressions take too long');
    const result = work();
    this.#at = performance.now();
    this.#leftMs -= this.#at - start;
    return result;
  }
}

/**
 * A regular expression with RE2's language and its promise: time linear in the text. Compiled at first use;
 * one that does not compile matches nothing, as containerd has it.
 */
export class BoundedRegex {
  readonly #pattern: string;
  readonly #budget: RegexBudget;
  #compiled: { readonly regex: RE2JS | undefined; readonly size: number } | undefined;

  constructor(pattern: string, budget: RegexBudget) {
    this.#pattern = pattern;
    this.#budget = budget;
  }

  /** @throws resource_exhausted when pattern and text together are too big, or the filter's time is used up. */
  test(text: string): boolean {
    this.#compiled ??= this.#budget.spend(() => compile(this.#pattern));
    const { regex, size } = this.#compiled;
    if (regex === undefined) return false;
    if (size * text.length > maxWork) {
      throw fault(
        'resource_exhausted',
        `filter: regular expression of size ${size} on a text of ${text.length} characters`,
      );
    }
    return this.#budget.spend(() => regex.test(text));
  }
}

function compile(pattern: string): { readonly regex: RE2JS | undefined; readonly size: number } {
  try {
    const regex = RE2JS.compile(pattern);
    return { regex, size: regex.programSize() };
  } catch (thrown) {
    if (thrown instanceof RE2JSException) return { regex: undefined, size: 0 };
    throw thrown;
  }
}
