import { failedPrecondition } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { type NetworkAttachment, settingsOf } from '#core/engine/container-settings';
import { nerdctlLabels } from '../container/labels.ts';
import type { Engine } from '../engine.ts';
import { findNetwork } from './find.ts';

/** Puts a container into a network, where it runs at once. @throws not_found; already_exists; failed_precondition */
export async function connectContainer(
  engine: Engine,
  container: Container,
  attachment: NetworkAttachment,
): Promise<void> {
  const { name, file } = await findNetwork(engine, attachment.network);
  if (file === undefined)
    throw failedPrecondition(
      `container cannot be connected to network ${name}: it is there from the beginning or not at all`,
    );
  await engine.client.networks.connect(engine.scope, container.id, { ...attachment, network: name });
  await noteNetworks(engine, container.id);
}

/** Takes it out. With `force` also where the network is not described any more. @throws not_found */
export async function disconnectContainer(
  engine: Engine,
  container: Container,
  network: string,
  { force }: { readonly force: boolean },
): Promise<void> {
  const name = force ? network : (await findNetwork(engine, network)).name;
  await engine.client.networks.disconnect(engine.scope, container.id, name);
  await noteNetworks(engine, container.id);
}

/** The label that other tools read follows the settings. */
async function noteNetworks({ client, scope }: Engine, id: string): Promise<void> {
  const container = await client.containers.get(scope, id);
  const attachments = settingsOf(container)?.network.attachments ?? [];
  const names = JSON.stringify(attachments.map(({ network }) => network));
  const labels = { ...container.labels, [nerdctlLabels.networks]: names };
  await client.containers.update(scope, { ...container, labels }, [`labels.${nerdctlLabels.networks}`]);
}
