import { isFault } from '#base/errors';
import { compare, type Timestamp, toMillis } from '#base/timestamp';
import type { Container } from '#core/containers/containers';
import { type ContainerSettings, settingsOf } from '#core/engine/container-settings';
import { historyPlugin, historyQuestion, unpackHistory } from '#core/engine/event-history';
import type { Envelope } from '#core/events/events';
import { nerdctlLabels } from '../container/labels.ts';
import type { Engine } from '../engine.ts';
import { Filters } from '../filters.ts';
import { type Happening, happeningIn } from './docker-event.ts';

/** docker's event. */
export interface DockerEvent extends Happening {
  readonly at: Timestamp;
}

export const eventFilters = ['container', 'event', 'image', 'label', 'network', 'type', 'volume', 'scope'] as const;

export interface EventsOptions {
  /** Begins with what the daemon remembers from then on: its last 256. */
  readonly since?: Timestamp | undefined;
  /** Ends then. */
  readonly until?: Timestamp | undefined;
  readonly filters?: Filters;
}

/** What happens in a namespace, as docker would tell it, until `until`, or the scope's signal fires. */
export async function* dockerEvents(
  engine: Engine,
  { since, until, filters = new Filters(new Map()) }: EventsOptions = {},
): AsyncGenerator<DockerEvent> {
  const { client, scope } = engine;
  const stop = new AbortController();
  const left = until === undefined ? undefined : toMillis(until) - Date.now();
  using _timer = left === undefined ? undefined : abortIn(stop, left);
  const signal = AbortSignal.any([scope.signal, stop.signal]);
  // Heard from now on, before what was is asked for: nothing is between the two.
  const heard = client.events.subscribe(signal, [`namespace==${JSON.stringify(scope.namespace)}`]);
  const actors = new Actors(engine);
  const within = ({ timestamp }: Envelope) =>
    (since === undefined || compare(timestamp, since) >= 0) && (until === undefined || compare(timestamp, until) <= 0);
  const seen = new Set<string>();
  try {
    for (const envelope of since === undefined ? [] : await remembered(engine)) {
      seen.add(keyOf(envelope));
      const event = await actors.told(envelope);
      if (event !== undefined && within(envelope) && matches(event, filters)) yield event.event;
    }
    for await (const envelope of heard) {
      if (seen.size > 0 && seen.delete(keyOf(envelope))) continue;
      const event = await actors.told(envelope);
      if (event !== undefined && within(envelope) && matches(event, filters)) yield event.event;
    }
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown;
  }
}

function abortIn(stop: AbortController, ms: number): Disposable {
  const timer = setTimeout(() => stop.abort(), Math.max(0, ms));
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

async function remembered({ client, scope }: Engine): Promise<readonly Envelope[]> {
  const { extra } = await client.introspection.plugin(
    historyPlugin.type,
    historyPlugin.id,
    historyQuestion,
    scope.signal,
  );
  const all = extra === undefined ? [] : unpackHistory(extra);
  return all.filter(({ namespace }) => namespace === scope.namespace);
}

const keyOf = ({ timestamp, topic, event }: Envelope): string =>
  `${timestamp.seconds}.${timestamp.nanos} ${topic} ${Buffer.from(event.value).toString('base64')}`;

interface Told {
  readonly event: DockerEvent;
  readonly actor: Actor | undefined;
}

interface Actor {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly settings: ContainerSettings | undefined;
}

/** Whom events happen to: containers are looked up once, and remembered when they are gone. */
class Actors {
  readonly #engine: Engine;
  readonly #known = new Map<string, Actor>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async told(envelope: Envelope): Promise<Told | undefined> {
    const happening = happeningIn(envelope);
    if (happening === undefined) return undefined;
    const { timestamp: at } = envelope;
    if (happening.type !== 'container') return { event: { ...happening, at }, actor: undefined };
    const before = this.#known.get(happening.id);
    const actor = await this.#actor(happening);
    if (happening.action === 'destroy') this.#known.delete(happening.id);
    const { name = '', image = '', labels = {} } = actor ?? {};
    const attributes = { ...labels, ...happening.attributes, image, name };
    if (happening.action !== 'update') return { event: { ...happening, attributes, at }, actor };
    // Most changes of a record are our own notes; a new name is the user's.
    if (before === undefined || before.name === '' || before.name === name) return undefined;
    const renamed = { ...attributes, oldName: `/${before.name}` };
    return { event: { ...happening, action: 'rename', attributes: renamed, at }, actor };
  }

  async #actor({ id, action }: Happening): Promise<Actor | undefined> {
    const known = this.#known.get(id);
    if (known !== undefined && action !== 'update') return known;
    const { client, scope } = this.#engine;
    const container = await client.containers.get(scope, id).catch((thrown: unknown) => {
      if (isFault(thrown, 'not_found')) return undefined;
      throw thrown;
    });
    if (container === undefined) return known;
    const actor = actorOf(container);
    this.#known.set(id, actor);
    return actor;
  }
}

/** One whose settings nobody can read is known by its record only: it does not keep the others from being told of. */
function readable(container: Container): ContainerSettings | undefined {
  try {
    return settingsOf(container);
  } catch (thrown) {
    if (!isFault(thrown, 'invalid_argument')) throw thrown;
    return undefined;
  }
}

function actorOf(container: Container): Actor {
  const settings = readable(container);
  const { Image: image, Labels: labels } = settings?.config ?? {};
  return {
    name: settings?.name ?? container.labels[nerdctlLabels.name] ?? '',
    image: typeof image === 'string' ? image : container.image,
    labels: (labels as Actor['labels'] | undefined) ?? {},
    settings,
  };
}

function matches({ event, actor }: Told, filters: Filters): boolean {
  const { type, action, id } = event;
  const isContainer = type === 'container';
  return (
    filters.exact('type', type) &&
    filters.exact('scope', 'local') &&
    filters.some('event', (wanted) => action === wanted || action.split(':')[0] === wanted) &&
    filters.some('container', (wanted) => isContainer && (id.startsWith(wanted) || actor?.name === wanted)) &&
    filters.some('image', (wanted) => (isContainer ? actor?.image : id)?.split('@')[0]?.includes(wanted) ?? false) &&
    filters.some('volume', (wanted) => actor?.settings?.mounts.some(({ name }) => name === wanted) ?? false) &&
    filters.some(
      'network',
      (wanted) => actor?.settings?.network.attachments.some(({ network }) => network === wanted) ?? false,
    ) &&
    filters.labels(event.attributes)
  );
}
