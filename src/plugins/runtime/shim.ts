import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { ConnectRequestSchema, ConnectResponseSchema } from '#api/runtime/task/v2/task_pb';
import { classOf, isFault } from '#base/errors';
import { type Span, traced } from '#base/tracing';
import type { Scope } from '#core/scope';
import { connectTtrpc, type TtrpcClient } from '#lib/ttrpc/client';
import { holdProcess, type ProcessHandle } from '#sys/process';
import type { Bootstrap } from './bootstrap.ts';
import type { Bundle } from './bundle.ts';
import { recallShimProcess } from './shim-process.ts';

export interface CallOptions {
  /** Absent: as long as the caller's signal allows. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** What the call is a part of. */
  readonly trace?: Span;
}

/** A call on behalf of somebody's own, for so long at most. */
export const callFor = ({ signal, trace }: Scope, timeoutMs?: number): CallOptions => ({
  signal,
  ...(timeoutMs !== undefined && { timeoutMs }),
  ...(trace && { trace }),
});

export interface ShimParts {
  readonly bundle: Bundle;
  readonly binary: string;
  readonly sandboxId?: string | undefined;
  readonly log: Disposable;
}

/** A connection to the shim of one container. */
export class Shim {
  readonly bundle: Bundle;
  /** The program, for cleaning up after it. */
  readonly binary: string;
  /** Where it listens. */
  readonly bootstrap: Bootstrap;
  /** The sandbox whose shim it is, where this container is not what it was started for. */
  readonly sandboxId: string | undefined;
  readonly #client: TtrpcClient;
  #service: string;
  readonly #log: Disposable;
  #process: ProcessHandle | undefined;

  private constructor({ bundle, binary, sandboxId, log }: ShimParts, bootstrap: Bootstrap, client: TtrpcClient) {
    this.bundle = bundle;
    this.binary = binary;
    this.sandboxId = sandboxId;
    this.bootstrap = bootstrap;
    this.#client = client;
    this.#log = log;
    this.#service = `containerd.task.v${bootstrap.version}.Task`;
  }

  /** Takes over `log`, which it disposes when it is closed, or when it cannot connect. @throws unavailable when nobody listens */
  static async connect(parts: ShimParts, bootstrap: Bootstrap, signal: AbortSignal): Promise<Shim> {
    try {
      return new Shim(parts, bootstrap, await connectTtrpc(bootstrap.address, { signal }));
    } catch (thrown) {
      parts.log[Symbol.dispose]();
      throw thrown;
    }
  }

  /** Settles when the connection is gone, whoever ended it. */
  get closed(): Promise<void> {
    return this.#client.closed;
  }

  /** One call of the task service. @throws what the shim answers; unavailable when the connection is gone; deadline_exceeded */
  async call<Q extends DescMessage, A extends DescMessage>(
    method: string,
    request: readonly [Q, MessageInitShape<Q>],
    answer: A,
    options: CallOptions = {},
  ): Promise<MessageShape<A>> {
    const payload = toBinary(request[0], create(request[0], request[1]));
    try {
      return fromBinary(answer, await this.#send(this.#service, method, payload, options));
    } catch (thrown) {
      if (!this.#service.includes('.v3.') || !isFault(thrown, 'not_implemented')) throw thrown;
      this.#service = 'containerd.task.v2.Task'; // it said 3 and serves 2 only: the messages are the same
      return fromBinary(answer, await this.#send(this.#service, method, payload, options));
    }
  }

  /** One call of the sandbox service. @throws as `call`; not_implemented by a shim that is no sandbox */
  async callSandbox<Q extends DescMessage, A extends DescMessage>(
    method: string,
    request: readonly [Q, MessageInitShape<Q>],
    answer: A,
    options: CallOptions = {},
  ): Promise<MessageShape<A>> {
    const payload = toBinary(request[0], create(request[0], request[1]));
    return fromBinary(answer, await this.#send('containerd.runtime.sandbox.v1.Sandbox', method, payload, options));
  }

  #send(service: string, method: string, payload: Uint8Array, { trace, ...options }: CallOptions): Promise<Uint8Array> {
    const span = trace?.begin(`${service}/${method}`, 'client', {
      'rpc.system': 'ttrpc',
      'containerd.shim': this.bundle.id,
    });
    const metadata = { 'containerd-namespace-ttrpc': this.bundle.namespace, ...span?.headers };
    return traced(span, () => this.#client.call(service, method, payload, { metadata, ...options }));
  }

  /** Asks who is there, and remembers the shim's process for `kill`. @throws as `call` */
  async identify(options: CallOptions): Promise<{ readonly taskPid: number; readonly shimPid: number }> {
    const { shimPid, taskPid } = await this.call(
      'Connect',
      [ConnectRequestSchema, { id: this.bundle.id }],
      ConnectResponseSchema,
      options,
    );
    if (shimPid > 1) this.#process ??= holdProcess(shimPid);
    return { taskPid, shimPid };
  }

  /** Takes the process that the bundle notes for the shim's, for `kill`, until the shim says otherwise. */
  async recallProcess(): Promise<void> {
    const noted = await recallShimProcess(this.bundle);
    if (this.#process === undefined) this.#process = noted;
    else noted?.[Symbol.dispose]();
  }

  /** True when it answers at all within that time, be it with an error. */
  async responds(timeoutMs: number): Promise<boolean> {
    try {
      await this.identify({ timeoutMs });
      return true;
    } catch (thrown) {
      return !['deadline_exceeded', 'unavailable'].includes(classOf(thrown));
    }
  }

  /** Ends the shim's process by SIGKILL, if it has ever told which one that is. Tells whether it did. */
  kill(): boolean {
    return this.#process?.signal('SIGKILL') ?? false;
  }

  /** Ends the connection; the shim goes on. */
  close(): void {
    this.#client.close();
    this.#log[Symbol.dispose]();
    this.#process?.[Symbol.dispose]();
    this.#process = undefined;
  }
}
