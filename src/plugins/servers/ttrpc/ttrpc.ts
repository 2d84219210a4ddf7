import type { Socket } from 'node:net';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { Events as EventsService, ForwardRequestSchema } from '#api/services/ttrpc/events/v1/events_pb';
import { table } from '#base/config';
import { fault, invalidArgument, wrap } from '#base/errors';
import { Events } from '#core/events/events';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { Server, ttrpcFields } from '#core/servers/server';
import { withSocketOwner } from '#core/servers/socket-owner';
import { serveTtrpc } from '#lib/ttrpc/server';
import { envelopeFromWire } from '#rpc/events/convert';
import { removeStale } from '#rpc/listen';
import { peerCredentials } from '#sys/socket';

const nothing = toBinary(EmptySchema, { $typeName: 'google.protobuf.Empty' });

/** The socket on which shims tell what happened to their processes. */
export default definePlugin({
  slot: Server,
  id: 'ttrpc',
  config: table(ttrpcFields),
  needs: { events: one(Events) },
  async start({ config, daemon, log }, { events }) {
    const address = daemon.ttrpcAddress;
    const forward = async (payload: Uint8Array) => {
      await events.forward(envelopeFromWire(decode(payload).envelope));
      return nothing;
    };
    await removeStale(address);
    const server = await withSocketOwner(address, config, () =>
      serveTtrpc(
        address,
        { [EventsService.typeName]: { Forward: forward } },
        {
          checkPeer: (socket) => checkPeer(socket, config.uid),
          onConnectionError: (error) => log.debug('connection of a shim', { error }),
        },
      ),
    );
    log.info('serving...', { address });
    return { address, [Symbol.asyncDispose]: () => server.close() };
  },
});

function decode(payload: Uint8Array) {
  try {
    return fromBinary(ForwardRequestSchema, payload);
  } catch (thrown) {
    throw invalidArgument(`forward: ${wrap(thrown, 'request').message}`, thrown);
  }
}

/** Root, ourselves and the socket's configured owner may tell of events. */
function checkPeer(socket: Socket, owner: number): void {
  const fd = (socket as unknown as { readonly _handle?: { readonly fd?: number } })._handle?.fd;
  if (fd === undefined || fd < 0) return; // the mode of the socket has let the peer in
  const { uid } = peerCredentials(fd);
  if (uid !== 0 && uid !== process.getuid?.() && uid !== owner) throw fault('permission_denied', `peer of uid ${uid}`);
}
