import type { Any } from '#base/any';
import { invalidArgument, wrap } from '#base/errors';
import type { Timestamp } from '#base/timestamp';
import { changedLabels, storedLabels } from '#core/labels';
import { type Adaptor, absent, field, mapField } from '#lib/filters/filter';
import { checkIdentifier } from '#lib/identifier';
import type { Container, NewContainer } from './containers.ts';

/** What a container store keeps for a new container. @throws invalid_argument */
export function createdContainer(given: NewContainer, at: Timestamp): Container {
  return checked({ ...given, labels: storedLabels(given.labels), createdAt: at, updatedAt: at });
}

const everything = ['labels', 'spec', 'extensions', 'image', 'snapshotkey'];

/** What it keeps after an update: `fields` as ContainerStore.update has them. @throws invalid_argument */
export function updatedContainer(
  current: Container,
  given: NewContainer,
  fields: readonly string[],
  at: Timestamp,
): Container {
  if (fields.length === 0) {
    if (given.snapshotter !== current.snapshotter) throw invalidArgument('container.Snapshotter field is immutable');
    if (given.runtime.name !== current.runtime.name) throw invalidArgument('container.Runtime.Name field is immutable');
  }
  let next = current;
  for (const path of fields.length === 0 ? everything : fields) next = changed(next, given, path);
  return checked({ ...next, updatedAt: at });
}

/** A container as filters see it. */
export const containerFields =
  (container: Container): Adaptor =>
  ([head, ...rest]) => {
    if (head === 'id') return field(container.id);
    if (head === 'image') return field(container.image);
    if (head === 'sandbox') return field(container.sandboxId);
    if (head === 'labels') return mapField(rest, container.labels);
    return head === 'runtime' && rest[0] === 'name' ? field(container.runtime.name) : absent;
  };

function changed(current: Container, given: NewContainer, path: string): Container {
  if (path === 'labels' || path.startsWith('labels.')) {
    return { ...current, labels: changedLabels(current.labels, given.labels, [path]) };
  }
  if (path.startsWith('extensions.')) {
    const key = path.slice('extensions.'.length);
    const extensions = new Map(Object.entries(current.extensions));
    if (Object.hasOwn(given.extensions, key)) extensions.set(key, given.extensions[key] as Any);
    else extensions.delete(key);
    return { ...current, extensions: Object.fromEntries(extensions) };
  }
  switch (path) {
    case 'spec':
      return { ...current, spec: given.spec };
    case 'extensions':
      return { ...current, extensions: given.extensions };
    case 'image':
      return { ...current, image: given.image };
    case 'snapshotkey':
      return { ...current, snapshotKey: given.snapshotKey };
    default:
      throw invalidArgument(`cannot update ${JSON.stringify(path)} field on container ${JSON.stringify(current.id)}`);
  }
}

function checked(container: Container): Container {
  try {
    checkIdentifier(container.id);
  } catch (thrown) {
    throw wrap(thrown, 'container.ID');
  }
  const { spec, snapshotter, snapshotKey } = container;
  for (const [key, extension] of Object.entries(container.extensions)) {
    if (key === '') throw invalidArgument('container.Extension keys must not be zero-length');
    if (extension.typeUrl === '')
      throw invalidArgument(`container.Extensions[${JSON.stringify(key)}].TypeURL must be set`);
  }
  if (container.runtime.name === '') throw invalidArgument('container.Runtime.Name must be set');
  if (spec.typeUrl === '' && spec.value.length === 0) throw invalidArgument('container.Spec must be set');
  if (snapshotKey !== '' && snapshotter === '') {
    throw invalidArgument('container.Snapshotter must be set if container.SnapshotKey is set');
  }
  return container;
}
