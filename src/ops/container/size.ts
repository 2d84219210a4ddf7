import { isFault } from '#base/errors';
import type { Container } from '#core/containers/containers';
import type { Engine } from '../engine.ts';

/** Bytes that a container takes. */
export interface ContainerSize {
  /** What it has written. */
  readonly own: number;
  /** With its image. */
  readonly whole: number;
}

/** Walks what the container has written. A container without a snapshot takes nothing. */
export async function containerSize(
  { client, scope }: Engine,
  { snapshotter: name, snapshotKey }: Pick<Container, 'snapshotter' | 'snapshotKey'>,
): Promise<ContainerSize> {
  if (snapshotKey === '') return { own: 0, whole: 0 };
  const snapshotter = await client.snapshotter(scope, name);
  try {
    const { size: own } = await snapshotter.usage(scope, snapshotKey);
    let whole = own;
    for (let { parent } = await snapshotter.stat(scope, snapshotKey); parent !== ''; ) {
      whole += (await snapshotter.usage(scope, parent)).size;
      ({ parent } = await snapshotter.stat(scope, parent));
    }
    return { own, whole };
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return { own: 0, whole: 0 };
    throw thrown;
  }
}
