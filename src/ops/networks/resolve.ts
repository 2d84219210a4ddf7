import type { NetworkAttachment, NetworkSettings } from '#core/engine/container-settings';
import { defaultNetworkName, ensureDefaultNetwork } from '#lib/cni/default-network';
import type { Engine } from '../engine.ts';
import { findNetwork } from './find.ts';

/**
 * Networks as a container's settings name them: by name, whatever the user wrote; the default network is made where it is missing.
 * @throws not_found in docker's words
 */
export async function resolveNetworks(
  engine: Engine,
  attachments: readonly NetworkAttachment[],
): Promise<Pick<NetworkSettings, 'attachments' | 'netconfPath' | 'cniPath'>> {
  const { config, scope } = engine;
  const resolved = await Promise.all(
    attachments.map(async (one) => {
      if (one.network !== defaultNetworkName) return { ...one, network: (await findNetwork(engine, one.network)).name };
      await ensureDefaultNetwork(config.cniNetconfPath, scope.namespace, config.bridgeIp);
      return one;
    }),
  );
  // Always said: the daemon may be configured to look elsewhere than where they were just found.
  return {
    attachments: resolved,
    netconfPath: config.cniNetconfPath,
    ...(config.cniPath !== '' && { cniPath: config.cniPath }),
  };
}
