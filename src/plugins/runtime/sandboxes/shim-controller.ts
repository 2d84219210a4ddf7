import {
  PlatformRequestSchema,
  PlatformResponseSchema,
  SandboxMetricsRequestSchema,
  SandboxMetricsResponseSchema,
  SandboxStatusRequestSchema,
  SandboxStatusResponseSchema,
  StartSandboxRequestSchema,
  StartSandboxResponseSchema,
  StopSandboxRequestSchema,
  StopSandboxResponseSchema,
} from '#api/runtime/sandbox/v1/sandbox_pb';
import { abortable } from '#base/cancellation';
import { alreadyExists, classOf, failedPrecondition, notFound, wrap } from '#base/errors';
import { failpoint } from '#base/failpoints';
import { now } from '#base/timestamp';
import type {
  CreateSandboxOptions,
  SandboxController,
  SandboxExit,
  SandboxInstance,
  SandboxMetric,
  SandboxStatus,
} from '#core/sandboxes/controller';
import type { NewSandbox } from '#core/sandboxes/sandboxes';
import type { Scope } from '#core/scope';
import { checkIdentifier } from '#lib/identifier';
import type { Platform } from '#lib/platform';
import { formatEndpoint } from '../bootstrap.ts';
import { fromWireTimestamp } from '../wire.ts';
import { createSandbox } from './create.ts';
import { register, takeDown, watch } from './ending.ts';
import { finish, keyOf, note, notes, type SandboxEntry, type SandboxEnvironment } from './entry.ts';

/** Sandboxes each of which is a shim that serves the sandbox service besides the tasks of its containers. */
export class ShimSandboxes implements SandboxController, AsyncDisposable {
  readonly #env: SandboxEnvironment;
  readonly #reserved = new Set<string>();

  constructor(env: SandboxEnvironment) {
    this.#env = env;
  }

  async create(scope: Scope, sandbox: NewSandbox, options: CreateSandboxOptions): Promise<void> {
    checkIdentifier(sandbox.id);
    using _name = this.#reserve(scope, sandbox.id);
    const entry = await createSandbox(this.#env, scope, sandbox, options);
    register(this.#env, entry);
    await this.#env.events.created(entry.namespace, entry.id);
  }

  async start(scope: Scope, id: string): Promise<SandboxInstance> {
    const entry = this.#get(scope, id);
    if (entry.exit !== undefined) throw failedPrecondition(`sandbox ${id} has ended`);
    entry.starting ??= this.#start(entry);
    try {
      await entry.starting;
    } finally {
      delete entry.starting;
    }
    const { pid = 0, at } = entry.start ?? {};
    const endpoint = formatEndpoint(entry.shim.bootstrap);
    return { pid, labels: {}, endpoint, ...(at !== undefined && { createdAt: at }) };
  }

  async platform(scope: Scope, id: string): Promise<Platform> {
    const { shim } = this.#get(scope, id);
    const request = [PlatformRequestSchema, { sandboxId: id }] as const;
    const answer = await shim.callSandbox('Platform', request, PlatformResponseSchema, this.#bounded(scope));
    const { os = '', architecture = '', variant = '' } = answer.platform ?? {};
    return { os, architecture, ...(variant !== '' && { variant }) };
  }

  async stop(scope: Scope, id: string, timeoutSeconds = 0): Promise<void> {
    const entry = this.#find(scope, id);
    if (entry === undefined) return;
    const request = [StopSandboxRequestSchema, { sandboxId: id, timeoutSecs: timeoutSeconds }] as const;
    const patienceMs = Math.min(timeoutSeconds, longestStopSeconds) * 1000;
    const calling = { timeoutMs: this.#env.limits.call + patienceMs, signal: scope.signal };
    try {
      await entry.shim.callSandbox('StopSandbox', request, StopSandboxResponseSchema, calling);
    } catch (thrown) {
      // Gone is stopped; the end of the connection tells the rest.
      if (!['not_found', 'unavailable'].includes(classOf(thrown))) throw wrap(thrown, 'failed to stop sandbox');
      return;
    }
    entry.stopped = true;
    if (entry.silent) await finish(this.#env, entry, { exitStatus: 0, exitedAt: now() });
  }

  async wait(scope: Scope, id: string): Promise<SandboxExit> {
    // Also of one that is being taken away.
    const entry = this.#env.sandboxes.get(keyOf(scope.namespace, id)) ?? this.#get(scope, id);
    return await abortable(entry.ended.promise, scope.signal);
  }

  async status(scope: Scope, id: string, detail: 'brief' | 'verbose'): Promise<SandboxStatus> {
    const entry = this.#find(scope, id);
    if (entry === undefined) return gone(id);
    const request = [SandboxStatusRequestSchema, { sandboxId: id, verbose: detail === 'verbose' }] as const;
    const calling = { timeoutMs: this.#env.limits.state, signal: scope.signal };
    try {
      const answer = await entry.shim.callSandbox('SandboxStatus', request, SandboxStatusResponseSchema, calling);
      const { pid, state, info, extra } = answer;
      const createdAt = fromWireTimestamp(answer.createdAt) ?? entry.start?.at;
      const exitedAt = fromWireTimestamp(answer.exitedAt) ?? entry.exit?.exitedAt;
      return {
        ...{ id, pid, state, info, endpoint: formatEndpoint(entry.shim.bootstrap) },
        ...(createdAt !== undefined && { createdAt }),
        ...(exitedAt !== undefined && { exitedAt }),
        ...(extra !== undefined && { extra: { typeUrl: extra.typeUrl, value: extra.value } }),
      };
    } catch (thrown) {
      if (classOf(thrown) === 'unavailable') return gone(id);
      throw wrap(thrown, `failed to query sandbox ${id} status`);
    }
  }

  async shutdown(scope: Scope, id: string): Promise<void> {
    await takeDown(this.#env, this.#get(scope, id));
  }

  async metrics(scope: Scope, id: string): Promise<SandboxMetric | undefined> {
    const { shim } = this.#get(scope, id);
    const request = [SandboxMetricsRequestSchema, { sandboxId: id }] as const;
    const calling = this.#bounded(scope);
    const { metrics } = await shim.callSandbox('SandboxMetrics', request, SandboxMetricsResponseSchema, calling);
    if (metrics === undefined) return undefined;
    const { data, timestamp } = metrics;
    return {
      ...{ id: metrics.id, timestamp: fromWireTimestamp(timestamp) ?? now() },
      ...(data !== undefined && { data: { typeUrl: data.typeUrl, value: data.value } }),
    };
  }

  /** The service of shims has no call for it: what a record says is taken from it when the sandbox is made. */
  async update(scope: Scope, id: string): Promise<void> {
    this.#get(scope, id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const entry of this.#env.sandboxes.values()) {
      entry.leaving = true; // the connection ends with the daemon; the sandbox goes on
      entry.shim.close();
    }
  }

  /** Starts it, once; twice is no mistake. A sandbox whose start fails is of no use to anybody. */
  async #start(entry: SandboxEntry): Promise<void> {
    if (entry.start !== undefined) return;
    const { id, namespace, shim } = entry;
    const request = [StartSandboxRequestSchema, { sandboxId: id }] as const;
    // Without the first caller's patience: who else starts it must not be taken down with him.
    const calling = { timeoutMs: this.#env.limits.start };
    try {
      const { pid, createdAt } = await shim.callSandbox('StartSandbox', request, StartSandboxResponseSchema, calling);
      entry.start = { pid, at: fromWireTimestamp(createdAt) ?? now() };
    } catch (thrown) {
      await takeDown(this.#env, entry).catch((error: unknown) => {
        this.#env.log.error('failed to take down a sandbox that did not start', { id, namespace, error });
      });
      throw wrap(thrown, `failed to start sandbox ${id}`);
    }
    await this.#env.events.started(namespace, id);
    await failpoint?.('sandbox.started');
    await note(shim.bundle, notes.started, entry.start);
    // Some can be waited for only now.
    if (entry.silent && entry.exit === undefined) void watch(this.#env, entry);
  }

  #reserve(scope: Scope, id: string): Disposable {
    const key = keyOf(scope.namespace, id);
    if (this.#env.sandboxes.has(key) || this.#reserved.has(key)) throw alreadyExists(`sandbox ${id} already running`);
    this.#reserved.add(key);
    return { [Symbol.dispose]: () => this.#reserved.delete(key) };
  }

  #find(scope: Scope, id: string): SandboxEntry | undefined {
    const entry = this.#env.sandboxes.get(keyOf(scope.namespace, id));
    return entry?.removal === undefined ? entry : undefined;
  }

  #get(scope: Scope, id: string): SandboxEntry {
    const entry = this.#find(scope, id);
    if (entry === undefined) throw notFound(`unable to find sandbox ${JSON.stringify(id)}`);
    return entry;
  }

  #bounded(scope: Scope) {
    return { timeoutMs: this.#env.limits.call, signal: scope.signal };
  }
}

/** More is as good as for ever, and more than timers can count. */
const longestStopSeconds = 86_400;

const gone = (id: string): SandboxStatus => ({ id, pid: 0, state: '', info: {}, exitedAt: now() });
