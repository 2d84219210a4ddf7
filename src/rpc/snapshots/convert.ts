import { create } from '@bufbuild/protobuf';
import { InfoSchema, Kind, type Info as WireInfo } from '#api/services/snapshots/v1/snapshots_pb';
import { invalidArgument } from '#base/errors';
import type { SnapshotInfo, SnapshotKind } from '#core/snapshots/snapshotter';
import { timestampFromWire, timestampToWire } from '../values.ts';

const kinds = { view: Kind.VIEW, active: Kind.ACTIVE, committed: Kind.COMMITTED } as const satisfies Record<
  SnapshotKind,
  Kind
>;

export function infoToWire(info: SnapshotInfo): WireInfo {
  return create(InfoSchema, {
    name: info.name,
    parent: info.parent,
    kind: kinds[info.kind],
    createdAt: timestampToWire(info.createdAt),
    updatedAt: timestampToWire(info.updatedAt),
    labels: { ...info.labels },
  });
}

/** @throws invalid_argument when it is absent, or of a kind that nobody knows */
export function infoFromWire(wire: WireInfo | undefined): SnapshotInfo {
  if (wire === undefined) throw invalidArgument('snapshot info is required');
  const kind = (Object.keys(kinds) as SnapshotKind[]).find((each) => kinds[each] === wire.kind);
  if (kind === undefined) throw invalidArgument(`snapshot ${JSON.stringify(wire.name)}: kind ${wire.kind}`);
  return {
    name: wire.name,
    parent: wire.parent,
    kind,
    labels: wire.labels,
    createdAt: timestampFromWire(wire.createdAt),
    updatedAt: timestampFromWire(wire.updatedAt),
  };
}
