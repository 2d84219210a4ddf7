import { definePlugin } from '#core/plugin/plugin';
import { GrpcService } from '#rpc/grpc-services';
import { serveVersion } from '#rpc/version/server';

export default definePlugin({
  slot: GrpcService,
  id: 'version',
  start: ({ daemon: { version, revision } }) => serveVersion({ version, revision }),
});
