import { fromBinary } from '@bufbuild/protobuf';
import { ProcessDetailsSchema } from '#api/runtime/runc/v1/options_pb';
import { sleep } from '#base/cancellation';
import { failedPrecondition, isFault, messageOf } from '#base/errors';
import type { Log } from '#base/log';
import type { Container } from '#core/containers/containers';
import { type ContainerSettings, settingsOf } from '#core/engine/container-settings';
import { afterProbe, type HealthPlan, healthPlan, nextProbeMs, startingHealth } from '#core/engine/health';
import { healthTopic, packHealthEvent } from '#core/engine/health-event';
import {
  type HealthResult,
  type HealthState,
  healthStateLabel,
  readHealth,
  writeHealth,
} from '#core/engine/health-file';
import { readLifecycle } from '#core/engine/lifecycle-file';
import type { Events } from '#core/events/events';
import type { Metadata } from '#core/metadata';
import type { Tasks } from '#core/runtime/tasks';
import { type Scope, scopeOf } from '#core/scope';
import { clear, probe, probePrefix } from './probe.ts';

export interface ProbesParts {
  readonly metadata: Pick<Metadata, 'containers' | 'namespaces'>;
  readonly tasks: Tasks;
  readonly events: Pick<Events, 'publish'>;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** For fifos. */
  readonly directory: string;
}

interface Watched {
  readonly scope: Scope;
  readonly id: string;
  readonly settings: ContainerSettings;
  readonly plan: HealthPlan;
  readonly startedAtMs: number;
  /** Of the container's process. */
  readonly pid: number;
  readonly stop: AbortController;
  state: HealthState;
  /** Probes of one container come one after the other. */
  probing: Promise<unknown>;
}

/** Probes containers that want it, for as long as they run. */
export class Probes {
  readonly #parts: ProbesParts;
  readonly #watched = new Map<string, Watched>();
  readonly #loops = new Set<Promise<void>>();

  constructor(parts: ProbesParts) {
    this.#parts = parts;
  }

  /** How many containers are being watched. */
  get size(): number {
    return this.#watched.size;
  }

  /** A container's process has begun: what was known of its health is past. */
  async started(namespace: string, id: string, pid: number, atMs: number): Promise<void> {
    this.#leave(namespace, id);
    await this.#watch(namespace, id, async ({ stateDir }) => {
      await writeHealth(stateDir, startingHealth);
      return { state: startingHealth, startedAtMs: atMs, pid };
    });
  }

  /** The end of an earlier process may be heard of after the start of the next: it is passed over. */
  ended(namespace: string, id: string, pid: number): void {
    if (this.#watched.get(`${namespace}/${id}`)?.pid === pid) this.#leave(namespace, id);
  }

  #leave(namespace: string, id: string): void {
    const key = `${namespace}/${id}`;
    this.#watched.get(key)?.stop.abort();
    this.#watched.delete(key);
  }

  /** Takes up what runs already, as the daemon before left it. */
  async lookAtAll(): Promise<void> {
    const { metadata, log, signal } = this.#parts;
    for (const { name: namespace } of await metadata.namespaces.list())
      for (const container of await metadata.containers.list(scopeOf(namespace, { signal }))) {
        if (signal.aborted) return;
        if (planOf(container) === undefined || this.#watched.has(`${namespace}/${container.id}`)) continue;
        await this.#adopt(namespace, container.id).catch((error: unknown) => {
          if (!signal.aborted)
            log.error('a container’s health cannot be followed', { id: container.id, namespace, error });
        });
      }
  }

  /** Probes once, whatever the time. @throws failed_precondition for a container that is not watched: it does not run, or has no health check */
  async probeNow(namespace: string, id: string): Promise<HealthResult> {
    const watched = this.#watched.get(`${namespace}/${id}`);
    if (watched === undefined) throw failedPrecondition(`container ${id} does not run, or has no health check`);
    const result = await this.#probe(watched);
    if (result === undefined) throw failedPrecondition(`container ${id} is paused or about to end`);
    return result;
  }

  /** Settles when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#loops);
  }

  async #adopt(namespace: string, id: string): Promise<void> {
    const { tasks, signal } = this.#parts;
    const scope = scopeOf(namespace, { signal });
    const { status, pid } = await tasks.state(scope, id, '').catch(ignoreGone);
    if (status !== 'running' && status !== 'paused') return;
    await this.#clearLeft(scope, id);
    await this.#watch(namespace, id, async ({ stateDir }) => {
      const { startedAt } = await readLifecycle(stateDir);
      return {
        state: (await readHealth(stateDir)) ?? startingHealth,
        startedAtMs: Date.parse(startedAt) || Date.now(),
        pid,
      };
    });
  }

  /** Probes that the daemon before could not see to their end. */
  async #clearLeft(scope: Scope, id: string): Promise<void> {
    for (const { info } of await this.#parts.tasks.pids(scope, id)) {
      if (info === undefined || !info.typeUrl.endsWith(ProcessDetailsSchema.typeName)) continue;
      const { execId } = fromBinary(ProcessDetailsSchema, info.value);
      if (execId.startsWith(probePrefix)) await clear(this.#parts, scope.namespace, id, execId);
    }
  }

  async #watch(
    namespace: string,
    id: string,
    begin: (settings: ContainerSettings) => Promise<Pick<Watched, 'state' | 'startedAtMs' | 'pid'>>,
  ): Promise<void> {
    const { metadata, log, signal } = this.#parts;
    const container = await metadata.containers.get(scopeOf(namespace, { signal }), id).catch(ignoreNone);
    const settings = container === undefined ? undefined : settingsOf(container);
    const plan = healthPlan(settings?.health);
    if (settings === undefined || plan === undefined) return;
    const stop = new AbortController();
    const scope = scopeOf(namespace, { signal: AbortSignal.any([signal, stop.signal]) });
    const watched = { scope, id, settings, plan, stop, probing: Promise.resolve(), ...(await begin(settings)) };
    this.#leave(namespace, id); // two that were told of the same start
    this.#watched.set(`${namespace}/${id}`, watched);
    const loop = this.#loop(watched)
      .catch((error: unknown) => {
        if (!scope.signal.aborted) log.error('a container’s health is not followed any more', { id, namespace, error });
      })
      .finally(() => this.#loops.delete(loop));
    this.#loops.add(loop);
  }

  async #loop(watched: Watched): Promise<void> {
    const { scope, plan, startedAtMs } = watched;
    while (!scope.signal.aborted) {
      await sleep(nextProbeMs(watched.state, plan, Date.now() - startedAtMs), scope.signal);
      await this.#probe(watched);
    }
  }

  /** One probe, after those under way. Undefined when it was not the time for one. */
  #probe(watched: Watched): Promise<HealthResult | undefined> {
    const next = watched.probing.then(() => this.#probeOnce(watched));
    watched.probing = next.catch(() => {}); // told to who asked
    return next;
  }

  async #probeOnce(watched: Watched): Promise<HealthResult | undefined> {
    const { metadata, tasks, log } = this.#parts;
    const { scope, id, plan } = watched;
    const { status } = await tasks.state(scope, id, '').catch(ignoreGone);
    if (status !== 'running') return undefined; // what is paused answers nothing
    const container = await metadata.containers.get(scope, id);
    const result = await probe(this.#parts, scope, container, plan);
    if (scope.signal.aborted) return undefined;
    // A probe that failed because its container ends says nothing about its health.
    if (result.ExitCode !== 0 && (await tasks.state(scope, id, '').catch(ignoreGone)).status !== 'running')
      return undefined;
    await this.#note(watched, result).catch((thrown: unknown) => {
      log.warn('a container’s health could not be noted', { id, namespace: scope.namespace, error: messageOf(thrown) });
    });
    return result;
  }

  async #note(watched: Watched, result: HealthResult): Promise<void> {
    const { metadata, events } = this.#parts;
    const { scope, id, plan, settings, startedAtMs, state: before } = watched;
    const state = afterProbe(before, result, plan, startedAtMs);
    watched.state = state;
    await writeHealth(settings.stateDir, state);
    if (state.Status === before.Status && state.FailingStreak === before.FailingStreak) return;
    const { Status, FailingStreak } = state;
    const InStartPeriod = Status === 'starting' && Date.now() - startedAtMs < plan.startPeriodMs;
    const container = await metadata.containers.get(scope, id);
    const labels = { [healthStateLabel]: JSON.stringify({ Status, FailingStreak, InStartPeriod }) };
    await metadata.containers.update(scope, { ...container, labels }, [`labels.${healthStateLabel}`]);
    if (Status !== before.Status)
      await events.publish(scope.namespace, healthTopic, packHealthEvent({ id, status: Status }));
  }
}

function planOf(container: Container): HealthPlan | undefined {
  try {
    return healthPlan(settingsOf(container)?.health);
  } catch (thrown) {
    if (isFault(thrown, 'invalid_argument')) return undefined; // settings that nobody can read
    throw thrown;
  }
}

function ignoreGone(thrown: unknown): { readonly status: 'absent'; readonly pid: 0 } {
  if (!isFault(thrown, 'not_found')) throw thrown;
  return { status: 'absent', pid: 0 };
}

function ignoreNone(thrown: unknown): undefined {
  if (!isFault(thrown, 'not_found')) throw thrown;
  return undefined;
}
