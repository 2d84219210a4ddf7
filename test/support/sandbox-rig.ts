import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { SandboxExitSchema } from '#api/events/sandbox_pb';
import type { Any } from '#base/any';
import { silent } from '#base/log';
import type { CreateSandboxOptions } from '#core/sandboxes/controller';
import type { NewSandbox } from '#core/sandboxes/sandboxes';
import type { Limits } from '#plugins/runtime/environment';
import { openSandboxes } from '#plugins/runtime/sandboxes/open';
import type { ShimSandboxes } from '#plugins/runtime/sandboxes/shim-controller';
import { processesNaming } from './nothing-left.ts';
import { atPace } from './pace.ts';

const dist = new URL('../../dist/bin/', import.meta.url).pathname;

/** The limits of tests: a shim that hangs is not waited for long. */
export const shortLimits: Limits = {
  ...{ load: 1_000, start: 3_000, call: 1_500, kill: 500, state: 500, cleanup: 5_000, info: 5_000, shutdown: 1_000 },
};

export const emptySpec: Any = {
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec',
  value: Buffer.from('{"ociVersion":"1.0.2"}'),
};

/** What a sandbox of a runtime is made of when nothing more is said. */
export const sandboxRecord = (id: string, runtime: string): NewSandbox => ({
  ...{ id, labels: {}, runtime: { name: runtime }, spec: emptySpec, sandboxer: 'shim', extensions: {} },
});
export const noOptions: CreateSandboxOptions = { rootfs: [], netnsPath: '', annotations: {} };

/** The controller `shim` in this process, and what subscribers would hear. Leaves nothing behind, and fails where something was. */
export class SandboxRig implements AsyncDisposable {
  readonly directory = mkdtempSync('/dev/shm/sandbox-rig-');
  /** Topic and id of each event; of an exit also the status. */
  readonly told: string[] = [];
  readonly #limits: Limits;
  readonly #executable: string;
  #sandboxes: ShimSandboxes | undefined;

  private constructor(limits: Limits, executable: string) {
    this.#limits = limits;
    this.#executable = executable;
  }

  /** With the built shim, unless another is beside `executable` or named by a record. */
  static async open(limits = atPace(shortLimits), executable = join(dist, 'containerd')): Promise<SandboxRig> {
    const rig = new SandboxRig(limits, executable);
    await rig.reopen();
    return rig;
  }

  get store(): ShimSandboxes {
    if (this.#sandboxes === undefined) throw new Error('the controller is closed');
    return this.#sandboxes;
  }

  bundle(namespace: string, id: string): string {
    return join(this.directory, 'state', namespace, id);
  }

  /** Which sandboxes have a bundle. */
  bundles(): string[] {
    const state = join(this.directory, 'state');
    const namespaces = existsSync(state) ? readdirSync(state) : [];
    return namespaces.flatMap((namespace) => readdirSync(join(state, namespace)));
  }

  /** The shim's process, as the directory that it works in shows. */
  shimPid(namespace: string, id: string): number {
    const address = readFileSync(join(this.bundle(namespace, id), 'address'), 'utf8');
    const words = ['-id', id, '-namespace', namespace];
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name) || !existsSync(`/proc/${name}/cmdline`)) continue;
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (line.includes(`${this.directory}/d.sock`) && words.every((word) => line.includes(word))) return Number(name);
    }
    throw new Error(`no shim at ${address}`);
  }

  /** As a daemon that ends without a word: nothing but the connections goes. */
  async close(): Promise<void> {
    await this.#sandboxes?.[Symbol.asyncDispose]();
    this.#sandboxes = undefined;
  }

  async reopen(): Promise<void> {
    await this.close();
    this.#sandboxes = await openSandboxes({
      roots: { state: join(this.directory, 'state'), work: join(this.directory, 'work') },
      limits: this.#limits,
      daemon: {
        ...{ grpcAddress: join(this.directory, 'd.sock'), ttrpcAddress: join(this.directory, 'd.sock.ttrpc') },
        ...{ executable: this.#executable, version: '0', debug: false },
      },
      log: silent,
      events: { publish: async (_, topic, { value }) => void this.told.push(describe(topic, value)) },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    const left = processesNaming(this.directory, process.pid);
    const bundles = this.bundles();
    rmSync(this.directory, { recursive: true, force: true });
    if (left.length > 0 || bundles.length > 0) {
      throw new Error(`sandboxes left behind: ${[...left, ...bundles.map((id) => `bundle ${id}`)].join('; ')}`);
    }
  }
}

function describe(topic: string, value: Uint8Array): string {
  // Field 1 of all three is the id.
  const { sandboxId, exitStatus } = fromBinary(SandboxExitSchema, value);
  return topic === '/sandboxes/exit' ? `exit ${sandboxId} ${exitStatus}` : `${topic.slice(11)} ${sandboxId}`;
}
