import { RE2JS, RE2JSException } from 're2js';
import { fault } from '#base/errors';

/** Program size times length of the value: some 90 ms in the worst case that was found (`(a?){500}a{500}`). */
const maxWork = 1_000_000;
const burstMs = 250;
/** What is given back per millisecond that passes: a filter that lives with a subscription may use a tenth of a processor. */
const refill = 0.1;
/** Each of these makes a class with up to thousands of ranges while compiling: at most some 100 ms all together. */
const wideClass = /\\[pP]|\\x\{|[^\0-\x7f]/g;
const maxWideClasses = 64;

/** The time that the regular expressions of one filter may take together, so that no caller can hold the event loop for long. */
export class RegexBudget {
  #leftMs = burstMs;
  #at = performance.now();
  /** What was taken by the clock since the processor's time was last looked at, and that time. */
  #takenMs = 0;
  #processorMs = threadMs();

  /** @throws resource_exhausted when it is used up. */
  spend<T>(work: () => T): T {
    const start = performance.now();
    this.#leftMs = Math.min(burstMs, this.#leftMs + (start - this.#at) * refill);
    if (this.#leftMs <= 0) this.#recount();
    if (this.#leftMs <= 0) throw fault('resource_exhausted', 'filter: regular expressions take too long');
    const result = work();
    this.#at = performance.now();
    this.#leftMs -= this.#at - start;
    this.#takenMs += this.#at - start;
    return result;
  }

  /** The clock also counts while others have the processor; that much is given back. The processor's own time costs too much to ask for each time. */
  #recount(): void {
    const now = threadMs();
    this.#leftMs += Math.max(0, this.#takenMs - (now - this.#processorMs));
    this.#takenMs = 0;
    this.#processorMs = now;
  }
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
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
  const wide = pattern.match(wideClass)?.length ?? 0;
  if (wide > maxWideClasses) {
    throw fault(
      'resource_exhausted',
      `filter: regular expression with ${wide} classes and characters beyond ASCII, at most ${maxWideClasses}`,
    );
  }
  try {
    const regex = RE2JS.compile(pattern);
    return { regex, size: regex.programSize() };
  } catch (thrown) {
    if (thrown instanceof RE2JSException) return { regex: undefined, size: 0 };
    throw thrown;
  }
}
