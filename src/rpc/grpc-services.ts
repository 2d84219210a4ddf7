import { type Slot, slot } from '#core/plugin/slot';
import type { Service } from './service.ts';

/** A service of the daemon's API: the gRPC server mounts everything that stands here. */
export const GrpcService: Slot<Service> = slot('io.containerd.grpc.v1');
