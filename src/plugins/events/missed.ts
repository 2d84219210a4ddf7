import type { Envelope } from '#core/events/events';
import { eventFields } from './event-fields.ts';

/** Clients of a daemon that comes back connect again with growing pauses: dockerd's are up to three seconds. */
const windowMs = 15_000;
const most = 4096;

/** What lives on without the daemon, and the field of its events that names it. */
const subjects = [
  { topics: '/tasks/', id: 'container_id' },
  { topics: '/sandboxes/', id: 'sandbox_id' },
];

/**
 * What shims had to tell while the daemon was away. They tell it at once when it is back, clients subscribe a little later: these
 * events are kept for them during the daemon's first seconds. Only those of containers and sandboxes from an earlier life count, so that
 * nobody who subscribes hears of the past of one made since.
 */
export class Missed {
  readonly #now: () => number;
  readonly #until: number;
  readonly #made = new Set<string>();
  #kept: { readonly key: string; readonly envelope: Envelope }[] = [];

  constructor(clock: () => number = () => performance.now()) {
    this.#now = clock;
    this.#until = clock() + windowMs;
  }

  /** What a new subscription begins with; nothing after the first seconds. */
  get events(): readonly Envelope[] {
    if (this.#isOver()) this.#forget();
    return this.#kept.map(({ envelope }) => envelope);
  }

  note(envelope: Envelope): void {
    const subject = subjects.find(({ topics }) => envelope.topic.startsWith(topics));
    if (subject === undefined) return;
    if (this.#isOver()) {
      this.#forget();
      return;
    }
    const id = eventFields(envelope.event)([subject.id]);
    if (!id.present) return;
    const key = `${subject.topics}${envelope.namespace}/${id.value}`;
    if (envelope.topic === `${subject.topics}create`) {
      // The end of an earlier one of this name must not be taken for the end of the new one.
      this.#made.add(key);
      this.#kept = this.#kept.filter((each) => each.key !== key);
    }
    if (!this.#made.has(key) && this.#kept.length < most) this.#kept.push({ key, envelope });
  }

  #isOver(): boolean {
    return this.#now() >= this.#until;
  }

  #forget(): void {
    this.#made.clear();
    this.#kept = [];
  }
}
