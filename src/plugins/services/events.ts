import { Events } from '#core/events/events';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { serveEvents } from '#rpc/events/server';
import { GrpcService } from '#rpc/grpc-services';

export default definePlugin({
  slot: GrpcService,
  id: 'events',
  needs: { events: one(Events) },
  start: (_, { events }) => serveEvents(events),
});
