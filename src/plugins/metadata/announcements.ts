import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ContainerCreateSchema, ContainerDeleteSchema, ContainerUpdateSchema } from '#api/events/container_pb';
import { ContentCreateSchema, ContentDeleteSchema } from '#api/events/content_pb';
import { ImageCreateSchema, ImageDeleteSchema, ImageUpdateSchema } from '#api/events/image_pb';
import { NamespaceCreateSchema, NamespaceDeleteSchema, NamespaceUpdateSchema } from '#api/events/namespace_pb';
import { SnapshotCommitSchema, SnapshotPrepareSchema, SnapshotRemoveSchema } from '#api/events/snapshot_pb';
import type { Any } from '#base/any';
import type { Container } from '#core/containers/containers';
import type { BlobInfo } from '#core/content/content';
import type { Image } from '#core/images/images';
import type { Namespace } from '#core/namespaces/namespaces';
import type { Change } from './database.ts';

/** The notices that containerd gives of changes to its metadata: topics, type URLs and bytes are the interface. */

export function imageCreated(change: Change, namespace: string, { name, labels }: Image): void {
  change.announce(namespace, '/images/create', pack(ImageCreateSchema, { name, labels }));
}

export function imageUpdated(change: Change, namespace: string, { name, labels }: Image): void {
  change.announce(namespace, '/images/update', pack(ImageUpdateSchema, { name, labels }));
}

export function imageDeleted(change: Change, namespace: string, name: string): void {
  change.announce(namespace, '/images/delete', pack(ImageDeleteSchema, { name }));
}

export function containerCreated(change: Change, namespace: string, { id, image, runtime }: Container): void {
  const message = { id, image, runtime: { name: runtime.name, ...(runtime.options && { options: runtime.options }) } };
  change.announce(namespace, '/containers/create', pack(ContainerCreateSchema, message));
}

export function containerUpdated(change: Change, namespace: string, container: Container): void {
  const { id, image, labels, snapshotKey } = container;
  change.announce(namespace, '/containers/update', pack(ContainerUpdateSchema, { id, image, labels, snapshotKey }));
}

export function containerDeleted(change: Change, namespace: string, id: string): void {
  change.announce(namespace, '/containers/delete', pack(ContainerDeleteSchema, { id }));
}

export function contentCreated(change: Change, namespace: string, { digest, size }: BlobInfo): void {
  change.announce(namespace, '/content/create', pack(ContentCreateSchema, { digest, size: BigInt(size) }));
}

export function contentDeleted(change: Change, namespace: string, digest: string): void {
  change.announce(namespace, '/content/delete', pack(ContentDeleteSchema, { digest }));
}

export function namespaceCreated(change: Change, { name, labels }: Namespace): void {
  change.announce(name, '/namespaces/create', pack(NamespaceCreateSchema, { name, labels }));
}

export function namespaceUpdated(change: Change, { name, labels }: Namespace): void {
  change.announce(name, '/namespaces/update', pack(NamespaceUpdateSchema, { name, labels }));
}

export function namespaceDeleted(change: Change, name: string): void {
  change.announce(name, '/namespaces/delete', pack(NamespaceDeleteSchema, { name }));
}

/** Which snapshotter in which namespace. */
interface Place {
  readonly namespace: string;
  readonly snapshotter: string;
}

export function snapshotPrepared(change: Change, at: Place, key: string, parent: string): void {
  const message = { key, parent, snapshotter: at.snapshotter };
  change.announce(at.namespace, '/snapshot/prepare', pack(SnapshotPrepareSchema, message));
}

export function snapshotCommitted(change: Change, at: Place, key: string, name: string): void {
  const message = { key, name, snapshotter: at.snapshotter };
  change.announce(at.namespace, '/snapshot/commit', pack(SnapshotCommitSchema, message));
}

export function snapshotRemoved(change: Change, at: Place, key: string): void {
  change.announce(at.namespace, '/snapshot/remove', pack(SnapshotRemoveSchema, { key, snapshotter: at.snapshotter }));
}

function pack<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Any {
  return { typeUrl: schema.typeName, value: toBinary(schema, create(schema, message)) };
}
