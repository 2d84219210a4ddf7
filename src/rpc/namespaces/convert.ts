import { create } from '@bufbuild/protobuf';
import { NamespaceSchema, type Namespace as WireNamespace } from '#api/services/namespaces/v1/namespace_pb';
import { invalidArgument } from '#base/errors';
import type { Namespace } from '#core/namespaces/namespaces';

export const namespaceToWire = ({ name, labels }: Namespace): WireNamespace =>
  create(NamespaceSchema, { name, labels: { ...labels } });

/** @throws invalid_argument when it is absent */
export function namespaceFromWire(wire: WireNamespace | undefined): Namespace {
  if (wire === undefined) throw invalidArgument('namespace is required');
  return { name: wire.name, labels: wire.labels };
}
