import type { Container } from '#core/containers/containers';
import type { Engine } from '../engine.ts';
import { type AttachEnd, type AttachOptions, startAttached } from './attach.ts';
import { type CreatedContainer, createUnreleased, type Unreleased } from './create.ts';
import type { CreateOptions } from './create-options.ts';
import { removeContainer } from './remove.ts';
import { startContainer } from './start.ts';
import { type Removal, watchRemoval } from './wait.ts';

export interface RunOptions extends CreateOptions {
  /** The container is made and about to be started. */
  readonly onCreated?: (created: CreatedContainer) => Promise<void>;
}

/** Makes a container and starts it. One that is to go with its process goes also when that cannot begin. @throws as `createContainer`; what is wrong with its start */
export async function runDetached(engine: Engine, options: RunOptions): Promise<CreatedContainer> {
  const { created, released } = await make(engine, options);
  const { container, mounts } = created;
  await settling(released, () =>
    startedOrGone(engine, options, container, () => startContainer(engine, container, { fresh: true, rootfs: mounts })),
  );
  return created;
}

/** The same, staying with it until it ends, and until it is gone where it goes then; undefined when the user has left it. */
export async function runAttached(
  engine: Engine,
  options: RunOptions,
  attach: (container: Container) => AttachOptions,
): Promise<AttachEnd> {
  const { created, released } = await make(engine, options);
  const { container, mounts } = created;
  using removal: Removal | undefined = options.autoRemove ? watchRemoval(engine, container.id) : undefined;
  return await settling(released, async () => {
    const end = await startedOrGone(engine, options, container, () =>
      startAttached(engine, container, attach(container), { fresh: true, rootfs: mounts }),
    );
    if (end !== undefined) await removal?.wait();
    return end;
  });
}

/** Does what is to be done while the other settles, and waits for that, too. What the work throws counts first. */
async function settling<T>(other: Promise<void>, work: () => Promise<T>): Promise<T> {
  let done: T;
  try {
    done = await work();
  } catch (thrown) {
    await other.catch(() => {});
    throw thrown;
  }
  await other;
  return done;
}

async function make(engine: Engine, options: RunOptions): Promise<Unreleased> {
  const made = await createUnreleased(engine, options);
  await options.onCreated?.(made.created);
  return made;
}

async function startedOrGone<T>(
  engine: Engine,
  { autoRemove = false }: RunOptions,
  container: Container,
  start: () => Promise<T>,
): Promise<T> {
  try {
    return await start();
  } catch (thrown) {
    if (autoRemove) await removeNeverStarted(engine, container);
    throw thrown;
  }
}

const removalMs = 30_000;

/** One whose process has begun is the daemon's to remove. What keeps it from going is not what went wrong first. */
async function removeNeverStarted(engine: Engine, container: Container): Promise<void> {
  const scope = { ...engine.scope, signal: AbortSignal.timeout(removalMs) };
  await removeContainer({ ...engine, scope }, container, { volumes: true }).catch(() => {});
}
