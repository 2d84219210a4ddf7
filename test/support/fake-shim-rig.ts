import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { TaskExitSchema } from '#api/events/task_pb';
import { ForwardRequestSchema } from '#api/services/ttrpc/events/v1/events_pb';
import { silent } from '#base/log';
import { type Scope, scopeOf } from '#core/scope';
import { serveTtrpc } from '#lib/ttrpc/server';
import { EventExchange } from '#plugins/events/exchange';
import type { Limits } from '#plugins/runtime/environment';
import type { ShimManager } from '#plugins/runtime/manager';
import { openRuntime } from '#plugins/runtime/open';
import { envelopeFromWire } from '#rpc/events/convert';
import type { ShimScript } from './fake-shim.ts';
import { atPace } from './pace.ts';

/** A shim that hangs is not waited for long. */
const shortLimits: Limits = {
  load: 800,
  start: 3_000,
  call: 800,
  kill: 600,
  state: 600,
  cleanup: 2_500,
  info: 5_000,
  shutdown: 600,
};
const spec = { typeUrl: 'a/Spec', value: new TextEncoder().encode('{}') };

/** The runtime plugin in this process, with a scripted shim (`fake-shim.ts`) and the events that subscribers would see. */
export class FakeShimRig implements AsyncDisposable {
  readonly directory = mkdtempSync('/dev/shm/fake-');
  readonly scope: Scope = scopeOf('fake');
  readonly limits = atPace(shortLimits);
  /** Ids of the containers whose ends were told, in order. */
  readonly exits: string[] = [];
  readonly #binary = join(this.directory, 'shim');
  readonly #script = join(this.directory, 'script.json');
  readonly #open = new AsyncDisposableStack();
  readonly #stop = new AbortController();
  readonly #descriptors: number;
  #events = new EventExchange(silent);
  #runtime: ShimManager | undefined;

  private constructor() {
    const shim = new URL('./fake-shim.ts', import.meta.url).pathname;
    writeFileSync(this.#binary, `#!/bin/sh\nexec ${process.execPath} ${shim} ${this.#script} "$@"\n`);
    chmodSync(this.#binary, 0o755);
    this.#descriptors = openDescriptors();
  }

  static async start(script: ShimScript = {}): Promise<FakeShimRig> {
    const rig = new FakeShimRig();
    rig.script(script);
    const address = join(rig.directory, 'e.sock');
    const forward = async (payload: Uint8Array) => {
      await rig.#events.forward(envelopeFromWire(fromBinary(ForwardRequestSchema, payload).envelope));
      return new Uint8Array();
    };
    rig.#open.use(await serveTtrpc(address, { 'containerd.services.events.ttrpc.v1.Events': { Forward: forward } }));
    void rig.#watch();
    await rig.reopen();
    return rig;
  }

  async #watch(): Promise<void> {
    try {
      for await (const { event } of this.#events.subscribe(this.#stop.signal, ['topic=="/tasks/exit"']))
        this.exits.push(fromBinary(TaskExitSchema, event.value).containerId);
    } catch {} // stopped
  }

  script(script: ShimScript): void {
    writeFileSync(this.#script, JSON.stringify(script));
  }

  get runtime(): ShimManager {
    if (this.#runtime === undefined) throw new Error('the runtime is closed');
    return this.#runtime;
  }

  /** What the shim program was called for: `start c1`, `serve c1`, `delete c1`. */
  get calls(): readonly string[] {
    const path = `${this.#script}.log`;
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  /** What the last `start` got on its standard input. */
  get input(): Uint8Array {
    return readFileSync(`${this.#script}.input`);
  }

  /** As a daemon that ends, or dies, and starts again. */
  async reopen(): Promise<void> {
    await this.close();
    this.#runtime = await openRuntime({
      roots: { state: join(this.directory, 'state'), work: join(this.directory, 'work') },
      limits: this.limits,
      daemon: {
        grpcAddress: join(this.directory, 'c.sock'),
        ttrpcAddress: join(this.directory, 'e.sock'),
        executable: '/bin/false',
        version: '1.7.0',
        debug: false,
      },
      events: this.#events,
      log: silent,
      signal: this.#stop.signal,
    });
  }

  async close(): Promise<void> {
    await this.#runtime?.[Symbol.asyncDispose]();
    this.#runtime = undefined;
  }

  create(id: string, options: { readonly typeUrl: string; readonly value: Uint8Array } | undefined = undefined) {
    const stdio = { stdin: '', stdout: '', stderr: '', terminal: false };
    const shim = { runtime: this.#binary, rootfs: [], spec, ...(options && { options }) };
    return this.runtime.create(this.scope, id, { ...stdio, ...shim });
  }

  /** Tells of an end as some shim would. */
  async tellExit(id: string, pid: number): Promise<void> {
    const value = toBinary(TaskExitSchema, create(TaskExitSchema, { containerId: id, id, pid }));
    await this.#events.publish('fake', '/tasks/exit', { typeUrl: TaskExitSchema.typeName, value });
  }

  bundle(id: string): string {
    return join(this.directory, 'state/fake', id);
  }

  shimPid(id: string): number {
    const [pid] = this.#processes().filter((one) =>
      readFileSync(`/proc/${one}/cmdline`, 'utf8').includes(`\0${id}\0serve\0`),
    );
    if (pid === undefined) throw new Error(`no shim of ${id}`);
    return pid;
  }

  #processes(): readonly number[] {
    return numbers('/proc').filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0${this.#script}\0`) && isAlive(pid);
      } catch {
        return false; // it has ended meanwhile
      }
    });
  }

  /** Bundles, work directories, processes and descriptors that should not be there, after a little patience. */
  async leftovers(): Promise<readonly string[]> {
    let left: readonly string[] = [];
    for (let waited = 0; waited < 60_000; waited += 25) {
      const extra = openDescriptors() - this.#descriptors - ownDescriptors;
      left = [
        ...entries(join(this.directory, 'state/fake')),
        ...entries(join(this.directory, 'work/fake')).map((name) => `work ${name}`),
        ...this.#processes().map((pid) => `process ${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8')}`),
        ...(extra > 0 ? [`${extra} descriptors`] : []),
      ];
      if (left.length === 0) break;
      await wait(25);
    }
    return left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.#stop.abort();
    await this.#open.disposeAsync();
    for (const pid of this.#processes()) process.kill(pid, 'SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The listener for events. */
const ownDescriptors = 1;

const entries = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);
const numbers = (path: string): readonly number[] =>
  entries(path)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
const isAlive = (pid: number): boolean => !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

/** How many descriptors this process has open on anything but what the test runner itself opens as it goes. */
const openDescriptors = (): number =>
  numbers('/proc/self/fd').filter((fd) => {
    try {
      return /socket:|pidfd|\/dev\/shm\//.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false; // closed meanwhile
    }
  }).length;
