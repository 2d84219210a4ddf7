import { join } from 'node:path';
import type { Any } from '#base/any';
import { failedPrecondition, invalidArgument, isFault } from '#base/errors';
import type { Container, ContainerStore } from '#core/containers/containers';
import { settingsOf } from '#core/engine/container-settings';
import type { Runtime } from '#core/runtime/runtime';
import type { Attendance, TaskAttendant } from '#core/runtime/task-attendant';
import type { Scope } from '#core/scope';
import type { SharedMemory } from './shared-memory.ts';

interface Parts {
  readonly containers: Pick<ContainerStore, 'get'>;
  readonly runtime: Pick<Runtime, 'state'>;
  readonly memory: Pick<SharedMemory, 'ensure'>;
}

const modeFields = { pid: 'PidMode', ipc: 'IpcMode', uts: 'UTSMode' } as const;
type Type = keyof typeof modeFields;
const usualShm = 64 << 20;
/** Containers may share what others share; nobody needs a longer chain. */
const maxChain = 16;

/** Fills in whose namespaces a task is to have: those of containers that run at this moment. */
export class SharedNamespaces implements TaskAttendant {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  attend(scope: Scope, container: Container): Promise<Attendance> | undefined {
    const modes = modesOf(container);
    const joined = (Object.keys(modeFields) as Type[]).filter((type) => targetOf(modes[type]) !== undefined);
    if (joined.length === 0 && modes.ipc !== 'shareable') return undefined;
    return this.#attend(scope, container, { modes, joined });
  }

  async #attend(
    scope: Scope,
    container: Container,
    { modes, joined }: { readonly modes: Record<Type, string>; readonly joined: readonly Type[] },
  ): Promise<Attendance> {
    const paths = new Map<string, string>();
    for (const type of joined) paths.set(type, await this.#pathOf(scope, type, targetOf(modes[type]) ?? ''));
    const memory = modes.ipc === 'shareable' || targetOf(modes.ipc) !== undefined;
    const shm = memory ? await this.#memoryOf(scope, container) : undefined;
    const wanted = shm === undefined ? undefined : { source: join(settingsOf(container)?.stateDir ?? '', 'shm'), shm };
    return { spec: changed(container.spec, paths, wanted), ready: Promise.resolve(), abandon: async () => {} };
  }

  async #pathOf(scope: Scope, type: Type, id: string): Promise<string> {
    const task = await this.#parts.runtime.state(scope, id, '').catch((thrown: unknown) => {
      if (!isFault(thrown, 'not_found')) throw thrown;
      return undefined;
    });
    if (task === undefined || !['running', 'created', 'paused'].includes(task.status) || task.pid === 0)
      throw failedPrecondition(`cannot join ${type.toUpperCase()} of a non running container: ${id}`);
    return `/proc/${task.pid}/ns/${type}`;
  }

  /** Of the one at the end of the chain. */
  async #memoryOf(scope: Scope, first: Container): Promise<string> {
    let container = first;
    for (let link = 0; link < maxChain; link++) {
      const { ipc } = modesOf(container);
      if (ipc === 'host') return '/dev/shm';
      const target = targetOf(ipc);
      if (target === undefined) {
        const size = settingsOf(container)?.hostConfig.ShmSize;
        return await this.#parts.memory.ensure(
          scope,
          container.id,
          typeof size === 'number' && size > 0 ? size : usualShm,
        );
      }
      container = await this.#parts.containers.get(scope, target);
    }
    throw invalidArgument(`container ${first.id}: shares memory with too many, one after the other`);
  }
}

function modesOf(container: Container): Record<Type, string> {
  const hostConfig = settingsOf(container)?.hostConfig ?? {};
  const mode = (type: Type) => {
    const value = hostConfig[modeFields[type]];
    return typeof value === 'string' ? value : '';
  };
  return { pid: mode('pid'), ipc: mode('ipc'), uts: mode('uts') };
}

const targetOf = (mode: string): string | undefined =>
  mode.startsWith('container:') ? mode.slice('container:'.length) : undefined;

interface Spec {
  readonly linux?: { readonly namespaces?: readonly { readonly type: string; readonly path?: string }[] };
  readonly mounts?: readonly { readonly destination: string; readonly source?: string }[];
}

/** The spec with these namespaces, and this directory as its shared memory, where nothing else was wanted in that place. */
function changed(
  packed: Any,
  paths: ReadonlyMap<string, string>,
  memory: { readonly source: string; readonly shm: string } | undefined,
): Any {
  const spec = parse(packed);
  const namespaces = (spec.linux?.namespaces ?? []).map((entry) => {
    const path = paths.get(entry.type);
    return path === undefined ? entry : { ...entry, path };
  });
  const mounts = spec.mounts?.map((mount) =>
    memory !== undefined && mount.source === memory.source ? { ...mount, source: memory.shm } : mount,
  );
  const whole = { ...spec, linux: { ...spec.linux, namespaces }, ...(mounts !== undefined && { mounts }) };
  return { typeUrl: packed.typeUrl, value: Buffer.from(JSON.stringify(whole)) };
}

function parse({ value }: Any): Spec {
  try {
    return JSON.parse(Buffer.from(value).toString()) as Spec;
  } catch (cause) {
    throw invalidArgument("the container's spec is no JSON", cause);
  }
}
