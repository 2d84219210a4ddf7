import { create } from '@bufbuild/protobuf';
import {
  Container_RuntimeSchema,
  ContainerSchema,
  type Container as WireContainer,
} from '#api/services/containers/v1/containers_pb';
import { invalidArgument } from '#base/errors';
import type { Container, NewContainer } from '#core/containers/containers';
import { anyFromWire, anyToWire, mapValues, someAnyFromWire, timestampFromWire, timestampToWire } from '../values.ts';

export function containerToWire(container: Container): WireContainer {
  const wire = newContainerToWire(container);
  wire.createdAt = timestampToWire(container.createdAt);
  wire.updatedAt = timestampToWire(container.updatedAt);
  return wire;
}

export function newContainerToWire(container: NewContainer): WireContainer {
  const { name, options } = container.runtime;
  return create(ContainerSchema, {
    id: container.id,
    labels: { ...container.labels },
    image: container.image,
    runtime: create(Container_RuntimeSchema, { name, ...(options !== undefined && { options: anyToWire(options) }) }),
    spec: anyToWire(container.spec),
    snapshotter: container.snapshotter,
    snapshotKey: container.snapshotKey,
    extensions: mapValues(container.extensions, anyToWire),
    sandbox: container.sandboxId,
  });
}

/** @throws invalid_argument for an absent container, or a time that is none */
export function containerFromWire(wire: WireContainer | undefined): Container {
  const container = newContainerFromWire(wire);
  return { ...container, createdAt: timestampFromWire(wire?.createdAt), updatedAt: timestampFromWire(wire?.updatedAt) };
}

/** Without the times, which are the store's. @throws invalid_argument for an absent container */
export function newContainerFromWire(wire: WireContainer | undefined): NewContainer {
  if (wire === undefined) throw invalidArgument('container is required');
  const options = wire.runtime?.options;
  return {
    id: wire.id,
    labels: wire.labels,
    image: wire.image,
    runtime: { name: wire.runtime?.name ?? '', ...(options !== undefined && { options: anyFromWire(options) }) },
    spec: someAnyFromWire(wire.spec),
    snapshotter: wire.snapshotter,
    snapshotKey: wire.snapshotKey,
    extensions: mapValues(wire.extensions, anyFromWire),
    sandboxId: wire.sandbox,
  };
}
