import { Version } from '#api/services/version/v1/version_pb';
import { type CallOptions, clientOf } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';

/** Which daemon answers there. @throws unavailable when none does */
export async function remoteVersion(
  transport: Transport,
  options?: CallOptions,
): Promise<{ readonly version: string; readonly revision: string }> {
  const { version, revision } = await clientOf(Version, transport).version({}, options);
  return { version, revision };
}
