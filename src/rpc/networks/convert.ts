import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  AttachmentSchema,
  ConnectedContainerSchema,
  Attachment as WireAttachment,
  ConnectedContainer as WireContainer,
} from '#api/berth/services/networks/v1/networks_pb';
import { invalidArgument } from '#base/errors';
import type { NetworkAttachment } from '#core/engine/container-settings';
import type { ConnectedContainer } from '#core/networks/networks';

/** @throws invalid_argument when it is absent, or names no network */
export function attachmentFromWire(wire: WireAttachment | undefined): NetworkAttachment {
  if (wire === undefined || wire.network === '') throw invalidArgument('a network is required');
  const { network, aliases, ip, ip6, mac } = wire;
  return { network, aliases, ip, ip6, mac };
}

export const attachmentToWire = (attachment: NetworkAttachment): MessageInitShape<typeof AttachmentSchema> => ({
  ...attachment,
  aliases: [...attachment.aliases],
});

export const connectedToWire = ({
  interfaces,
  ...own
}: ConnectedContainer): MessageInitShape<typeof ConnectedContainerSchema> => ({
  ...own,
  interfaces: interfaces.map((one) => ({ ...one, names: [...one.names] })),
});

export const connectedFromWire = ({ id, name, interfaces }: WireContainer): ConnectedContainer => ({
  id,
  name,
  interfaces: interfaces.map(({ $typeName: _, $unknown: __, ...one }) => one),
});
