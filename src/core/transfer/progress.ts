import type { Span } from '#base/tracing';
import type { Descriptor } from '#core/descriptor';

/** What is being done to one thing, in words that clients show. An empty name means the transfer as a whole. */
export interface Progress {
  readonly event: string;
  /** `layer-sha256:…`, `manifest-sha256:…`, or an image's name. */
  readonly name: string;
  /** Names of what this is a part of. */
  readonly parents: readonly string[];
  readonly progress: number;
  readonly total: number;
  readonly descriptor?: Descriptor;
}

/** Told of progress. Must return at once. */
export type Observer = (progress: Progress) => void;

const intervalMs = 100;

/**
 * Collects what changes and tells the observer some ten times a second, of each thing its latest state only. Saying something costs
 * a map's entry, whatever the observer does.
 */
export class ProgressBoard implements Disposable {
  readonly #observer: Observer | undefined;
  readonly #things = new Map<string, Progress>();
  readonly #changed = new Set<string>();
  readonly #phases: Phases | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** With `trace`, what happens to each thing one after the other becomes spans of that. */
  constructor(observer: Observer | undefined, trace?: Span) {
    this.#observer = observer;
    this.#phases = trace && new Phases(trace);
  }

  /** A line about the transfer as a whole, told at once and in order. */
  say(event: string): void {
    if (this.#observer === undefined) return;
    this.#flush();
    this.#observer({ event, name: '', parents: [], progress: 0, total: 0 });
  }

  /** Sets what is known of a thing; what is left out stays as it was. */
  set(name: string, state: Partial<Omit<Progress, 'name'>>): void {
    if (state.event !== undefined) this.#phases?.enter(name, state.event);
    if (this.#observer === undefined) return;
    const known = this.#things.get(name) ?? { event: '', name, parents: [], progress: 0, total: 0 };
    const parents = state.parents === undefined ? known.parents : [...new Set([...known.parents, ...state.parents])];
    this.#things.set(name, { ...known, ...state, parents });
    this.#changed.add(name);
    this.#timer ??= setTimeout(() => this.#flush(), intervalMs);
  }

  /** Tells what was not told yet. */
  [Symbol.dispose](): void {
    this.#flush();
    this.#phases?.[Symbol.dispose]();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const name of this.#changed) {
      const thing = this.#things.get(name);
      if (thing !== undefined) this.#observer?.(thing);
    }
    this.#changed.clear();
  }
}

/** After these nothing goes on with a thing. */
const ends: ReadonlySet<string> = new Set(['complete', 'already exists', 'extracted', 'saved', 'pushed']);

/** What each thing goes through, from one event to the next, as spans. */
class Phases implements Disposable {
  readonly #trace: Span;
  readonly #open = new Map<string, { readonly event: string; readonly span: Span }>();

  constructor(trace: Span) {
    this.#trace = trace;
  }

  enter(name: string, event: string): void {
    const open = this.#open.get(name);
    if (open?.event === event) return;
    open?.span[Symbol.dispose]();
    this.#open.delete(name);
    if (!ends.has(event)) this.#open.set(name, { event, span: this.#trace.begin(event, 'internal', { name }) });
  }

  [Symbol.dispose](): void {
    for (const { span } of this.#open.values()) span[Symbol.dispose]();
    this.#open.clear();
  }
}
