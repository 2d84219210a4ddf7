import { create } from '@bufbuild/protobuf';
import {
  ActivationInfoSchema,
  ActiveMountSchema,
  type ActivationInfo as WireActivation,
  type ActiveMount as WireActive,
} from '#api/types/mount_pb';
import { invalidArgument } from '#base/errors';
import type { Activation, ActiveMount } from '#core/mounts/mounts';
import { mountFromWire, mountToWire, timestampFromWire, timestampToWire } from '../values.ts';

export const activationToWire = ({ name, active, system, labels }: Activation): WireActivation =>
  create(ActivationInfoSchema, {
    name,
    active: active.map(activeToWire),
    system: system.map(mountToWire),
    labels: { ...labels },
  });

/** @throws invalid_argument */
export function activationFromWire(wire: WireActivation | undefined): Activation {
  if (wire === undefined) throw invalidArgument('info is required');
  const { name, active, system, labels } = wire;
  return { name, active: active.map(activeFromWire), system: system.map(mountFromWire), labels };
}

const activeToWire = ({ mount, mountedAt, mountPoint, data }: ActiveMount): WireActive =>
  create(ActiveMountSchema, {
    mount: mountToWire(mount),
    mountedAt: timestampToWire(mountedAt),
    mountPoint,
    data: { ...data },
  });

function activeFromWire({ mount, mountedAt, mountPoint, data }: WireActive): ActiveMount {
  if (mount === undefined) throw invalidArgument('an active mount without its mount');
  return { mount: mountFromWire(mount), mountedAt: timestampFromWire(mountedAt), mountPoint, data };
}
